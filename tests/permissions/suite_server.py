"""An MCP server (2025-11-25, stdio) with the tools of a file. Usage: suite_server.py TOOLS LOG

TOOLS is a `tools/list` answer. Each call is one JSON line in LOG, and is answered with what `answers` beside its tools says of
the tool, else with its own arguments; `isError` and `rpcError` are failures. A line `{"tools": [...]}` in LOG.control replaces the tools, and is told of.
"""
import json, os, sys

path, log = sys.argv[1], open(sys.argv[2], "a", encoding="utf-8")
listed = json.load(open(path, encoding="utf-8"))
info = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}}, "serverInfo": {"name": "suite", "version": "1"}}


def write(message):
    print(json.dumps(message), flush=True)


for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method, answer = message["method"], {"jsonrpc": "2.0", "id": message["id"]}
    if method == "initialize":
        answer["result"] = info
    elif method == "tools/list":
        answer["result"] = {"tools": listed["tools"]}
    elif method == "tools/call":
        name, arguments = message["params"]["name"], message["params"].get("arguments", {})
        log.write(json.dumps({"tool": name, "args": arguments}) + "\n")
        log.flush()
        said = listed.get("answers", {}).get(name, arguments)
        if isinstance(said, dict) and "isError" in said:
            answer["result"] = said
        elif isinstance(said, dict) and "rpcError" in said:
            answer["error"] = said["rpcError"]
        else:
            answer["result"] = {"content": [{"type": "text", "text": json.dumps(said)}]}
        if os.path.exists(sys.argv[2] + ".control"):
            listed = json.load(open(sys.argv[2] + ".control", encoding="utf-8"))
            os.remove(sys.argv[2] + ".control")
            write({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    else:
        answer["error"] = {"code": -32601, "message": "method not found"}
    write(answer)
