"""The official Python SDK, version 2: it finds out by itself that the server speaks protocol 2026-07-28."""

import os
from contextlib import AsyncExitStack

import anyio
import mcp_types as types
from loop import elicit, loop, run, setup
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


async def form(context, params):
    return types.ElicitResult.model_validate(await elicit(params))


class Wrapped:
    def __init__(self, client):
        self.client, self.calls = client, {}

    async def tools(self):
        return await self.client.list_tools()

    async def resources(self, cursor):
        return await self.client.list_resources(cursor=cursor, cache_mode="refresh")

    async def templates(self):
        return await self.client.list_resource_templates()

    async def read(self, uri):
        return await self.client.read_resource(uri, cache_mode="refresh")

    async def call(self, name, arguments, progress, id):
        with anyio.CancelScope() as scope:
            self.calls[id] = scope
            return await self.client.call_tool(name, arguments, progress_callback=progress)
        raise RuntimeError("the test aborts")

    async def abort(self, id):
        self.calls[id].cancel()


async def main():
    async with AsyncExitStack() as stack:
        if "url" in setup:
            http = create_mcp_http_client(headers=setup.get("headers"))
            server = streamable_http_client(setup["url"], http_client=await stack.enter_async_context(http))
        else:
            server = StdioServerParameters(command=setup["command"], args=setup["args"], env=dict(os.environ))
        asks = {"elicitation_callback": form} if setup.get("elicitation") else {}
        client = await stack.enter_async_context(Client(server, **asks))
        info = client.server_info.model_dump(exclude_none=True)
        await loop(Wrapped(client), protocol=client.protocol_version, server=info, instructions=client.instructions)


run(main)
