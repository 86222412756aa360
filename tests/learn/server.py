"""An MCP server that declares no output. `report` says what the file `answer` in its folder holds; `page` declares its
argument as a string, and wants an integer."""

import json
import sys

TOOLS = [
    {"name": "report", "description": "Reports.", "inputSchema": {"type": "object"}},
    {"name": "page", "inputSchema": {
        "type": "object", "properties": {"number": {"type": "string"}}, "required": ["number"]}},
]


def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "undeclared", "version": "1"}}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call" and params["name"] == "report":
        with open("answer", encoding="utf-8") as file:
            return {"content": [{"type": "text", "text": file.read()}]}
    if method == "tools/call":
        number = params["arguments"]["number"]
        if not isinstance(number, int):
            return {"content": [{"type": "text", "text": "`number` is no integer"}], "isError": True}
        return {"content": [{"type": "text", "text": f"{number}"}]}
    return None


for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = answer(message.get("method"), message.get("params", {}))
    reply = {"jsonrpc": "2.0", "id": message["id"]}
    if result is None:
        reply["error"] = {"code": -32601, "message": "no such method"}
    else:
        reply["result"] = result
    print(json.dumps(reply), flush=True)
