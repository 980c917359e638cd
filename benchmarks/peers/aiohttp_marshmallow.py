"""(f) aiohttp, marshmallow as it comes, and a COPY by asyncpg.

The service's own libraries without the service. Lacks what (c) lacks.
"""

from collections.abc import AsyncIterator

import asyncpg
import orjson
import uvloop
from aiohttp import web
from marshmallow import ValidationError

from benchmarks.peers.environment import CONNECTIONS, DATABASE_URL, PORT
from benchmarks.samples import CONTACTS, PEOPLE, SAMPLES

POOL = web.AppKey("pool", asyncpg.Pool)
SCHEMAS = {name: type(SAMPLES[name].resource.schema)(many=True) for name in (PEOPLE, CONTACTS)}


async def create(request: web.Request) -> web.Response:
    table = request.path[1:]
    columns = tuple(SAMPLES[table].columns)
    try:
        contacts = SCHEMAS[table].load(orjson.loads(await request.read()))
    except orjson.JSONDecodeError as error:
        return web.json_response({"error": str(error)}, status=400)
    except ValidationError as error:
        return web.json_response(error.messages, status=422)
    records = []
    for each in contacts:
        tags = each.get("tags")
        encoded = None if tags is None else orjson.dumps(tags).decode()
        records.append((*(each.get(name) for name in columns[:-1]), encoded))
    try:
        await request.app[POOL].copy_records_to_table(table, records=records, columns=columns)
    except asyncpg.UniqueViolationError:
        return web.json_response({"error": "an e-mail address is taken"}, status=409)
    return web.json_response({"created": len(records)}, status=201)


async def connections(app: web.Application) -> AsyncIterator[None]:
    async with asyncpg.create_pool(DATABASE_URL, min_size=0, max_size=CONNECTIONS) as pool:
        app[POOL] = pool
        yield


def application() -> web.Application:
    app = web.Application(client_max_size=16 * 2**20)
    app.cleanup_ctx.append(connections)
    for table in SCHEMAS:
        app.router.add_post(f"/{table}", create)
    return app


if __name__ == "__main__":
    web.run_app(
        application(),
        host="127.0.0.1",
        port=PORT,
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )
