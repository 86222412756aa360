"""An MCP server (2025-11-25, stdio) whose `tools/list` is the text of a file. Usage: list_server.py FILE

Each call is answered with its own arguments, as structured content.
"""
import json, sys

listed = open(sys.argv[1], encoding="utf-8").read()
info = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "list", "version": "1"}}
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method, answer = message["method"], {"jsonrpc": "2.0", "id": message["id"]}
    if method == "tools/list":
        # As it stands, also where Python would have written it otherwise.
        print(json.dumps(answer)[:-1] + ', "result": ' + listed + "}", flush=True)
        continue
    if method == "initialize":
        answer["result"] = info
    elif method == "tools/call":
        answer["result"] = {"content": [], "structuredContent": message["params"].get("arguments", {})}
    else:
        answer["error"] = {"code": -32601, "message": "method not found"}
    print(json.dumps(answer), flush=True)
