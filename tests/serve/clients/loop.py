"""What the two Python clients share: one JSON command a line on stdin, one JSON line for each answer and event on stdout."""

import json
import sys

import anyio
import anyio.to_thread

setup = json.loads(sys.argv[1])
_forms = {}


def say(**line):
    print(json.dumps(line), flush=True)


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def failed(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    told = getattr(error, "error", None)
    return {"message": str(error), "code": getattr(told, "code", None), "data": getattr(told, "data", None)}


async def elicit(params):
    """Shows a form: the test answers it."""
    form = len(_forms) + 1
    _forms[form] = (anyio.Event(), [])
    say(event="form", form=form, params=plain(params))
    answered, answer = _forms[form]
    await answered.wait()
    return answer[0]


async def loop(client, **connected):
    """`client` has `tools`, `resources(cursor)`, `templates`, `read(uri)`, `call(name, arguments, progress, id, params)`, `abort(id)`."""
    say(event="connected", **connected)

    async def obey(command):
        op, id = command["op"], command["id"]
        try:
            if op == "tools":
                ok = plain(await client.tools())
            elif op == "resources":
                ok = plain(await client.resources(command.get("cursor")))
            elif op == "templates":
                ok = plain(await client.templates())
            elif op == "read":
                ok = plain(await client.read(command["uri"]))
            elif op == "call":
                progress = None
                if command.get("progress"):

                    async def progress(progress, total, message):
                        say(event="progress", of=id, progress=progress, total=total, message=message)

                ok = plain(await client.call(command["name"], command.get("arguments"), progress, id))
            elif op == "abort":
                ok = await client.abort(command["of"])
            elif op == "answer":
                answered, answer = _forms[command["form"]]
                answer.append(command["result"])
                ok = answered.set()
            say(id=id, ok=ok)
        except Exception as error:
            say(id=id, error=failed(error))

    async with anyio.create_task_group() as tasks:
        while line := await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            tasks.start_soon(obey, json.loads(line))
        tasks.cancel_scope.cancel()


def run(main):
    try:
        anyio.run(main)
    except BaseException as error:
        say(event="failed", error=failed(error))
