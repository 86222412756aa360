"""The official Python SDK, version 1: protocol 2025-11-25."""

import os
from contextlib import AsyncExitStack

import anyio
from loop import elicit, loop, run, setup
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


async def form(context, params):
    return types.ElicitResult.model_validate(await elicit(params))


class Wrapped:
    def __init__(self, session):
        self.session, self.calls = session, {}

    async def tools(self):
        return await self.session.list_tools()

    async def resources(self, cursor):
        return await self.session.list_resources(params=types.PaginatedRequestParams(cursor=cursor))

    async def templates(self):
        return await self.session.list_resource_templates()

    async def read(self, uri):
        return await self.session.read_resource(uri)

    async def call(self, name, arguments, progress, id):
        with anyio.CancelScope() as scope:
            # Version 1 does not tell the server by itself; the number is the one that it gives the request next.
            self.calls[id] = (scope, self.session._request_id)
            return await self.session.call_tool(name, arguments, progress_callback=progress)
        raise RuntimeError("the test aborts")

    async def abort(self, id):
        scope, request = self.calls[id]
        params = types.CancelledNotificationParams(requestId=request, reason="the test aborts")
        await self.session.send_notification(types.ClientNotification(types.CancelledNotification(params=params)))
        scope.cancel()


async def main():
    async with AsyncExitStack() as stack:
        if "url" in setup:
            transport = streamablehttp_client(setup["url"], headers=setup.get("headers"))
        else:
            parameters = StdioServerParameters(command=setup["command"], args=setup["args"], env=dict(os.environ))
            transport = stdio_client(parameters)
        streams = await stack.enter_async_context(transport)
        asks = {"elicitation_callback": form} if setup.get("elicitation") else {}
        session = await stack.enter_async_context(ClientSession(streams[0], streams[1], **asks))
        told = await session.initialize()
        info = told.serverInfo.model_dump(exclude_none=True)
        await loop(Wrapped(session), protocol=told.protocolVersion, server=info, instructions=told.instructions)


run(main)
