"""GET /openapi.json and /openapi.yaml: what this instance serves, for machines."""

from aiohttp import web

from ingest.formats.negotiation import JSON, YAML
from ingest.http.conditional import conditional
from ingest.http.documentation import documentation
from ingest.http.service import SERVICE


@documentation
async def openapi_json(request: web.Request) -> web.StreamResponse:
    return conditional(request, await request.app[SERVICE].openapi.file(JSON), JSON)


@documentation
async def openapi_yaml(request: web.Request) -> web.StreamResponse:
    return conditional(request, await request.app[SERVICE].openapi.file(YAML), YAML)
