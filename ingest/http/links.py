"""URLs of this service, and links to them."""

import re
from urllib.parse import urlsplit

from aiohttp import web

from ingest.describe.json_schema import MEDIA_TYPE, Kind, path
from ingest.http.call import CALL
from ingest.http.security import is_known_host
from ingest.http.service import SERVICE, Service
from ingest.resources.resource import Resource

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


def public_base(request: web.Request) -> str:
    """Where clients reach the service: the setting, else what the request says; no `/` at its end.

    A host that is malformed, or is not served here, never gets into a link.
    """
    service = request.app[SERVICE]
    if service.settings.public_url:
        return service.settings.public_url.rstrip("/")
    host = request[CALL].host
    if not _HOST.fullmatch(host) or not is_known_host(host, service.hosts):
        host = _own_host(request, service)
    return f"{request.scheme}://{host}"


def prefix(service: Service) -> str:
    """What clients write before a path: that of `INGEST_PUBLIC_URL`, without a `/` at its end."""
    return urlsplit(service.settings.public_url).path.rstrip("/")


def schema_link(service: Service, resource: Resource) -> str:
    """The `Link` from an answer about a collection to its JSON Schema."""
    target = prefix(service) + path(resource, Kind.CREATE)
    return f'<{target}>; rel="describedby"; type="{MEDIA_TYPE}"'


def openapi_link(service: Service) -> str:
    """The `Link` to what describes the API to machines (RFC 8631)."""
    return f'<{prefix(service)}/openapi.json>; rel="service-desc"; type="application/json"'


def docs_link(service: Service, resource: Resource | None = None) -> str:
    """The `Link` to what people read, about a collection or about all."""
    fragment = "" if resource is None else f"#{resource.name}"
    return f'<{prefix(service)}/docs{fragment}>; rel="service-doc"; type="text/html"'


def _own_host(request: web.Request, service: Service) -> str:
    """The first name that is served here; else the address that the client has connected to."""
    names = [each for each in sorted(service.hosts) if not each.startswith("*.")]
    if names:
        return names[0]
    address = request.get_extra_info("sockname")
    if not isinstance(address, tuple):
        return "localhost"
    name, port = address[:2]
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
