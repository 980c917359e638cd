"""OpenAPI 3.1 of exactly what an instance serves, from its resources and its settings alone.

::

    resource ─▶ json_schema ─▶ example ─▶ answers ─▶ responses ─▶ operations ─▶ paths ─┐
                                          (as the dialects tell them)                  ├▶ document
    settings ─▶ limits, servers, errors that are possible ─────────────────────────────┘

Two processes that serve the same resources with the same settings write the same bytes: there is
no clock, no address and no order of a set in it.
"""

from importlib.metadata import version
from typing import Any

from ingest.describe import answers, collection_paths, rpc, shared_paths
from ingest.describe.about import of_collection
from ingest.describe.components import Components, Object
from ingest.describe.described import Described, described
from ingest.describe.documents import add_documents
from ingest.describe.headers import add_headers
from ingest.describe.names import item_name, type_names
from ingest.describe.parameters import add_parameters
from ingest.describe.responses import Responses
from ingest.formats.compression import ENCODINGS
from ingest.resources.registry import Registry
from ingest.resources.representation import Presenter
from ingest.settings import Settings

_WRITING = frozenset({"post", "patch", "put", "delete"})
_INTRODUCTION = """\
Save, change and delete items in batches. Every bad item is named with all that is wrong with it, \
and a batch is committed exactly once.

Answers are JSON; with `.xml` or `.yaml` at the end of the path, or in `Accept`, they are XML or \
YAML. `Accept: application/problem+json` gives errors as RFC 9457 has them. Five dialects are \
spoken besides (`Accept: application/json; dialect=NAME`, or the token's): `collection`, `data`, \
`hash` (also under `/api/`), `rpc` (also under `/api/v1.1/`) and `status`, which wants the format \
at the end of the path. What they answer is shown under media types with that parameter; answers \
themselves have the plain media type.
"""


def openapi(registry: Registry, settings: Settings) -> Object:
    """The document."""
    components = Components()
    add_headers(components)
    add_parameters(components)
    add_documents(components)
    every = _described(registry, settings, components)
    first = every[0]
    paths: Object = {}
    for this in every:
        paths |= collection_paths.paths(this)
    paths |= shared_paths.batch_paths(first)
    for this in every:
        paths |= collection_paths.hash_paths(this)
    paths |= shared_paths.hash_batch_paths(first)
    if settings.read_only:
        paths = _reads(paths)
    for this in every:
        paths |= rpc.paths(this)
    paths |= shared_paths.operational_paths(settings.docs)
    return _head(settings) | {
        "tags": _tags(registry),
        "paths": paths,
        "components": components.document(paths) | {"securitySchemes": _security()},
    }


def _reads(paths: Object) -> Object:
    """The paths without what writes."""
    kept = {
        name: {method: each for method, each in path.items() if method not in _WRITING}
        for name, path in paths.items()
    }
    return {name: path for name, path in kept.items() if "get" in path}


def _described(registry: Registry, settings: Settings, components: Components) -> list[Described]:
    names = type_names(registry)
    errors = answers.errors(Presenter(next(iter(registry.values()))))
    writer = Responses(
        components,
        docs=f"{settings.public_url.rstrip('/')}/docs/errors/",
        rated=bool(settings.rate_limit or settings.account_rate_limit),
    )
    return [
        described(
            resource,
            settings,
            components,
            writer,
            names[name],
            item_name(names[name], names.values()),
            errors,
        )
        for name, resource in registry.items()
    ]


def _head(settings: Settings) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ingestion service",
            "version": version("ingest-service"),
            "summary": "Batches of items in, every bad one named.",
            "description": _INTRODUCTION + _most(settings),
        },
        "x-ingest": _limits(settings),
        "servers": [{"url": settings.public_url.rstrip("/") or "/"}],
        "security": [{"bearer": []}],
    }


def _most(settings: Settings) -> str:
    if settings.read_only:
        elsewhere = f" Send them to {settings.write_url}." if settings.write_url else ""
        return f"\nThis instance takes no writes.{elsewhere}\n"
    return f"""
A write takes at most {settings.max_items:,} items and {settings.max_body:,} bytes, decompressed; \
of NDJSON and CSV any number of items and {settings.max_stream:,} bytes. Bodies may be compressed \
with {", ".join(ENCODINGS)} (`Content-Encoding`). All items are saved or none, unless \
`Prefer: handling=lenient` is sent.
"""


def _limits(settings: Settings) -> Object:
    """What OpenAPI has no word for."""
    return {
        "maxItems": settings.max_items,
        "maxBody": settings.max_body,
        "maxStream": settings.max_stream,
        "maxNesting": settings.max_nesting,
        "contentEncodings": [*ENCODINGS],
    }


def _tags(registry: Registry) -> list[Object]:
    # It is CommonMark, in which what looks like HTML is HTML.
    told = {name: of_collection(each).replace("<", r"\<") for name, each in registry.items()}
    collections = [
        {"name": name, "description": text or f"The collection {name}."}
        for name, text in told.items()
    ]
    return [
        *collections,
        {"name": "batches", "description": "What became of each write."},
        {"name": "operations", "description": "For operators and their tools."},
    ]


def _security() -> Object:
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that `ingest token create` made.",
        },
        rpc.SECURITY: {
            "type": "apiKey",
            "in": "query",
            "name": "token",
            "description": "The token in the URL, or as `token` in the body: dialect `rpc` only.",
        },
    }
