"""The one parse: all that a request's path, headers and query say, as one frozen value.

`parse` never fails. What cannot be read is kept as the value's `problem`, which is raised
once it is known who calls, and what they may know.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.web_urldispatcher import UrlMappingMatchInfo

from ingest.dialects.answer import Dialect, Format
from ingest.errors import RequestError
from ingest.formats.negotiation import EXTENSIONS, JSON, RESPONSES
from ingest.http.accept import Accepted, accepted
from ingest.http.call import Call, Endpoint
from ingest.http.headers import BODY_PARAMETERS, body_head, idempotency_key
from ingest.http.preferences import parse_preferences
from ingest.http.query import FILTERS, Query
from ingest.http.roots import API, ROOTS
from ingest.http.security import client_address
from ingest.http.service import SERVICE, Service
from ingest.model import EVERY_FIELD
from ingest.resources.resource import RESERVED_COLLECTIONS

PAGE = frozenset({"limit", "offset"})
BATCHES = PAGE | {"idempotencyKey", "state", "collection", "since", "after"}
SELECT = frozenset({"select"})
LIST = PAGE | SELECT | {"after", "batch", FILTERS}
SCHEMA = frozenset({"for"})
WRITE_ITEM = frozenset({"select", "dryRun"})
WRITE = WRITE_ITEM | {"matching"} | BODY_PARAMETERS

# Version 00 ends with its flags, later ones may go on; ff and ids of zeros are no parents.
_TRACEPARENT = re.compile(
    r"(?:00-(?P<known>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"|(?!00|ff)[0-9a-f]{2}-(?P<later>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)"
)
_NO_TRACE = "0" * 32


_Handler = TypeVar("_Handler", bound=Callable[..., Any])
_ENDPOINT = "endpoint"


def endpoint(**options: Any) -> Callable[[_Handler], _Handler]:
    """Mark a handler of the API with its `Endpoint`."""

    def mark(handler: _Handler) -> _Handler:
        setattr(handler, _ENDPOINT, Endpoint(**options))
        return handler

    return mark


def endpoint_of(found: UrlMappingMatchInfo) -> Endpoint | None:
    """What the API has where a path leads, if it has."""
    marked: Endpoint | None = getattr(found.handler, _ENDPOINT, None)
    return marked


def parse(request: web.Request) -> Call:
    """All that a request says, apart from its body."""
    service, path = request.app[SERVICE], request.path
    path_dialect = None if path.startswith(API) else _dialect_of(path)
    # What no route is for is answered as the API does, too: a client may have left out its root.
    lost = request.match_info.http_exception is not None
    of_api = lost or path_dialect is not None or path.startswith(API)
    endpoint = endpoint_of(request.match_info)
    trace_id, said = trace_id_of(request.headers.get("traceparent")), dict[str, Any]()
    if of_api and endpoint is not None:
        said = _said_to(endpoint, request, service)
    elif of_api:
        said = _said_to_none(request, service)
    remote = request.remote or ""
    return Call(
        trace_id=trace_id,
        method=request.method,
        path=path,
        query=request.query_string,
        # Where HTTP/1.0 names none, aiohttp takes our own address.
        host=request.host if "Host" in request.headers else "",
        client=client_address(request, service.proxies) if service.proxies else remote,
        of_api=of_api,
        endpoint=endpoint,
        credentials=tuple(request.headers.getall("Authorization", ())),
        path_dialect=path_dialect,
        **said,
    )


def _said_to_none(request: web.Request, service: Service) -> dict[str, Any]:
    """Which answer is wanted to a request that no endpoint is for."""
    accept = _accepted(request, RESPONSES)
    media_type, named_by = accept.media_type, _named_by(accept)
    # That there is nothing is said in the format that an extension names, too.
    extension = _extension(request, service)
    if extension is not None and not accept.unknown:
        media_type, named_by = EXTENSIONS.get(extension), Format.EXTENSION
        media_type = media_type if media_type in RESPONSES else None
    return {
        "media_type": media_type if named_by is Format.EXTENSION else media_type or JSON,
        "named_by": named_by,
        "named": accept.named,
        "dialect": accept.dialect,
        "unknown_dialect": accept.unknown,
    }


def _extension(request: web.Request, service: Service) -> str | None:
    """The extension of a path that no endpoint is for.

    Of what there is with another method, anything after a dot is one; of the rest, a format is.
    """
    *before, last = request.path.split("/")
    stem, dot, extension = last.partition(".")
    there = isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed)
    collection = stem.partition(":")[0]
    known = collection in service.registry or collection in RESERVED_COLLECTIONS
    if dot and there and (known or before[-1] in RESERVED_COLLECTIONS):
        return extension
    extension = last.rpartition(".")[2]
    return extension if EXTENSIONS.get(extension) in RESPONSES else None


def _said_to(endpoint: Endpoint, request: web.Request, service: Service) -> dict[str, Any]:
    """What path, headers and query say to an endpoint; or what is wrong with them."""
    formats = endpoint.formats + endpoint.files
    accept = _accepted(request, formats)
    media_type, named_by = accept.media_type, _named_by(accept)
    named, extension = _named(request, service, endpoint)
    if extension is not None and not accept.unknown:
        media_type, named_by = EXTENSIONS.get(extension), Format.EXTENSION
    collection = named.get("collection", "")
    resource = service.registry.get(collection)
    said: dict[str, Any] = {
        "collection": collection,
        "resource": resource,
        "select": EVERY_FIELD if resource is None else resource.selection,
        "item": named.get("key", ""),
        "batch": named.get("batch", ""),
        "media_type": media_type if media_type in formats else None,
        "named_by": named_by,
        "named": accept.named,
        "dialect": accept.dialect,
        "unknown_dialect": accept.unknown,
    }
    try:
        if request.query_string:
            said |= _in_query(Query(request.query, endpoint.parameters, resource))
        if endpoint.body:
            said |= _in_headers(request)
    except RequestError as problem:
        said["problem"] = problem
    return said


def _in_query(query: Query) -> dict[str, Any]:
    select, summaries = query.select()
    return {
        "dry_run": query.flag("dryRun"),
        "matching": query.matching(),
        "select": select,
        "summaries": summaries,
        "limit": query.limit(),
        "offset": query.offset(),
        "filters": query.filters(),
        "after": query.after(),
        "batches": query.batches(),
        "schema_for": query.schema_for(),
    }


def _in_headers(request: web.Request) -> dict[str, Any]:
    """What the headers of a request with a body say of it."""
    headers = request.headers
    return {
        "preferences": parse_preferences(tuple(headers.getall("Prefer", ()))),
        "idempotency_key": idempotency_key(headers.getall("Idempotency-Key", ())),
        "head": body_head(request),
    }


def _accepted(request: web.Request, formats: tuple[str, ...]) -> Accepted:
    return accepted(", ".join(request.headers.getall("Accept", ())), formats)


def _dialect_of(path: str) -> Dialect | None:
    return next((each for root, each in ROOTS.items() if path.startswith(root)), None)


def _named_by(accept: Accepted) -> Format:
    return Format.EXPLICIT if accept.concrete else Format.ANY


def without_endpoint(call: Call) -> Call:
    """A call of a method that the path does not have."""
    media_type = call.media_type
    if call.named_by is not Format.EXTENSION:
        media_type = media_type or JSON
    return replace(call, endpoint=None, collection="", resource=None, media_type=media_type)


def trace_id_of(traceparent: str | None) -> str:
    """The trace id of a W3C `traceparent` header, or a new one: 32 hexadecimal digits."""
    match = traceparent and _TRACEPARENT.fullmatch(traceparent.strip())
    found = match and (match["known"] or match["later"])
    return found if found and found != _NO_TRACE else secrets.token_hex(16)


def _named(
    request: web.Request, service: Service, endpoint: Endpoint
) -> tuple[dict[str, str], str | None]:
    """What the path names, and the extension that was taken off the last name."""
    named = dict(request.match_info)
    if "extension" in named:
        return named, named["extension"]
    if "key" in named:
        # A key may have dots of its own: only what is a format is an extension.
        stem, _, extension = named["key"].rpartition(".")
        if not stem or EXTENSIONS.get(extension) not in endpoint.formats:
            return named, None
        return {**named, "key": stem}, extension
    for name, value in named.items():
        stem, dot, extension = value.partition(".")
        if dot and (
            name == "batch"
            or stem in service.registry
            or EXTENSIONS.get(extension) in endpoint.formats
        ):
            return {**named, name: stem}, extension
    return named, None
