"""GET /v1/{collection}/schema: the JSON Schema of what clients send and see."""

import asyncio
from functools import lru_cache
from typing import Any

from aiohttp import web

from ingest.describe.json_schema import MEDIA_TYPE, Kind, json_schema
from ingest.exactjson import dump_readable
from ingest.formats.negotiation import JSON
from ingest.http.call import CALL, RESOURCE
from ingest.http.conditional import conditional
from ingest.http.links import public_base
from ingest.http.request import SCHEMA, endpoint
from ingest.resources.resource import Resource


@endpoint(any_right=True, parameters=SCHEMA, formats=(MEDIA_TYPE, JSON))
async def get_schema(request: web.Request) -> web.Response:
    call, resource = request[CALL], request[RESOURCE]
    # The first one of a resource may take as long as its patterns are many.
    described = await asyncio.to_thread(_described, resource, call.schema_for)
    document = {**described, "$id": public_base(request) + described["$id"]}
    return conditional(request, dump_readable(document), call.media_type or MEDIA_TYPE)


@lru_cache(maxsize=256)
def _described(resource: Resource, kind: Kind) -> dict[str, Any]:
    return json_schema(resource, kind, "")
