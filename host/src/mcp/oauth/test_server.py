"""An MCP server over HTTP that wants a login, and its own authorization server, for tests: `test_server.py OPTIONS`.

OPTIONS is a JSON object, each key optional; `$BASE` in its texts is the address, and POST /control sets more of them:
  scopes: {METHOD: SCOPE} what a method needs (all need a token; those of `open` need none)
  open: [METHOD]; challenge: false leaves `resource_metadata` out of the 401
  prm, metadata: keys put over the two metadata documents; null takes a key away
  answers: {PATH: [STATUS, {HEADER: VALUE}, BODY]} what a path is answered with instead; a body of a number is that long
  delays: {PATH: SECONDS} before a path is answered
  expires_in: of access tokens; refresh: false gives no refresh token; token: keys put over a token response; cap: [SCOPE] no more is given
  iss: put over the redirect's `iss`; deny: an error instead of a code; secret: of registered clients
Prints its port. GET /log tells every request. Refresh tokens are good once."""

import base64, hashlib, json, secrets, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

options = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
log, codes, tokens, refreshes, lock = [], {}, {}, {}, threading.Lock()


def base():
    return f"http://127.0.0.1:{server.server_port}"


def put_over(document, changes):
    document = {**document, **json.loads(json.dumps(changes).replace("$BASE", base()))}
    return {key: value for key, value in document.items() if value is not None}


def prm():
    document = {"resource": base() + "/mcp", "authorization_servers": [base()]}
    return put_over(document, options.get("prm", {}))


def metadata():
    document = {
        "issuer": base(),
        "authorization_endpoint": base() + "/authorize",
        "token_endpoint": base() + "/token",
        "registration_endpoint": base() + "/register",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
    return put_over(document, options.get("metadata", {}))


def issue(scope):
    scope = " ".join(one for one in scope.split() if one in options.get("cap", [one]))
    access = "access-" + secrets.token_hex(12)
    tokens[access] = scope
    answer = {"access_token": access, "token_type": "Bearer", "scope": scope, "expires_in": options.get("expires_in", 3600)}
    if options.get("refresh", True):
        answer["refresh_token"] = "refresh-" + secrets.token_hex(12)
        refreshes[answer["refresh_token"]] = scope
    return put_over(answer, options.get("token", {}))


def exchange(form):
    kind = form.get("grant_type")
    if kind == "authorization_code":
        known = codes.pop(form.get("code"), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if known is None or known["code_challenge"] != proof or known["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant", "error_description": "for " + str(form.get("code"))}
        return 200, issue(known.get("scope", ""))
    if kind == "refresh_token":
        scope = refreshes.pop(form.get("refresh_token"), None)
        return (400, {"error": "invalid_grant"}) if scope is None else (200, issue(scope))
    if kind == "client_credentials":
        return 200, put_over(issue(form.get("scope", "")), {"refresh_token": None})
    return 400, {"error": "unsupported_grant_type"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=None, headers=None):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value.replace("$BASE", base()))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.route({})

    def do_DELETE(self):
        self.route({})

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.headers.get("Content-Type", "").startswith("application/json"):
            self.route(json.loads(text))
        else:
            self.route({key: values[0] for key, values in parse_qs(text).items()})

    def route(self, body):
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path == "/log":
            return self.answer(200, log)
        if url.path == "/control":
            options.update(body)
            if body.get("forget"):
                tokens.clear()
            return self.answer(200)
        time.sleep(options.get("delays", {}).get(url.path, 0))
        with lock:
            log.append({"method": self.command, "path": url.path, "host": self.headers.get("Host"), "query": query, "body": body, "authorization": self.headers.get("Authorization")})
            if url.path in options.get("answers", {}):
                status, headers, text = options["answers"][url.path]
                return self.answer(status, b"x" * text if isinstance(text, int) else json.loads(json.dumps(text).replace("$BASE", base())), headers)
            match url.path:
                case "/mcp":
                    self.mcp(body)
                case "/.well-known/oauth-protected-resource/mcp" | "/elsewhere":
                    self.answer(200, prm())
                case "/.well-known/oauth-authorization-server":
                    self.answer(200, metadata())
                case "/register":
                    secret = {"client_secret": options["secret"]} if "secret" in options else {}
                    self.answer(201, {"client_id": "client-" + secrets.token_hex(4), "redirect_uris": body["redirect_uris"], **secret})
                case "/authorize":
                    self.authorize(query)
                case "/token":
                    self.answer(*exchange(body))
                case _:
                    self.answer(404)

    def authorize(self, query):
        answer = {"state": query["state"], "iss": options.get("iss", base())}
        if "deny" in options:
            answer["error"], answer["error_description"] = options["deny"]
        else:
            answer["code"] = "code-" + secrets.token_hex(12)
            codes[answer["code"]] = query
        self.answer(302, headers={"Location": query["redirect_uri"] + "?" + urlencode(answer)})

    def mcp(self, body):
        method = body.get("method")
        if self.command != "POST":
            return self.answer(405 if self.command == "GET" and options.get("open") else 401 if self.command == "GET" else 200, headers=self.challenge("") if self.command == "GET" else None)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        need = options.get("scopes", {}).get(method, "")
        if method not in options.get("open", []):
            if token not in tokens:
                return self.answer(401, {"said": token}, self.challenge(need))
            if not set(need.split()) <= set(tokens[token].split()):
                return self.answer(403, None, self.challenge(need, "insufficient_scope"))
        if "id" not in body:
            return self.answer(202)
        tool = {"name": "whoami", "inputSchema": {"type": "object"}}
        match method:
            case "initialize":
                result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "login", "version": "1"}}
            case "tools/list":
                result = {"tools": [tool]}
            case "tools/call":
                result = {"content": [{"type": "text", "text": "you are " + token}], "isError": body["params"]["name"] != "whoami"}
            case _:
                return self.answer(200, {"jsonrpc": "2.0", "id": body["id"], "error": {"code": -32601, "message": "unknown " + token}})
        self.answer(200, {"jsonrpc": "2.0", "id": body["id"], "result": result})

    def challenge(self, scope, error=None):
        parts = [] if options.get("challenge") is False else [f'resource_metadata="{base()}/.well-known/oauth-protected-resource/mcp"']
        parts += [f'scope="{scope}"'] if scope else []
        parts += [f'error="{error}"'] if error else []
        return {"WWW-Authenticate": "Bearer " + ", ".join(parts)}


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
