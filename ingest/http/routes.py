"""Every endpoint. What a path names may end with an extension, which `ingest.http.request` takes
off; where the path ends with a word of its own, the extension has a route."""

import re

from aiohttp import web

from ingest.http import (
    digest,
    docs_page,
    error_pages,
    failures,
    home,
    openapi,
    probes,
    reads,
    remedies,
    repairs,
    reverts,
    rpc,
    schemas,
    static,
    try_page,
    writes,
)
from ingest.http.roots import ALIASES, API, ROOTS

# `schema` is never a key: that path is kept for the collection's JSON Schema.
_BATCH = "{batch:[^/:]+}"
_KEY = r"{key:(?!schema(?:\.(?:json|xml|yaml))?$)[^/]+}"


def _api(root: str) -> tuple[web.RouteDef, ...]:
    """The endpoints under `/v1/`, or under another root that is its alias."""
    # No collection is called `batches`; a colon begins what is done with one, but for one behind a
    # dot, which is in what is no format.
    # Nor is a collection called as the root of another dialect goes on.
    others = "".join(
        f"|{re.escape(other.removeprefix(root))}"
        for other in ROOTS
        if other != root and other.startswith(root)
    )
    collection = rf"{{collection:(?!batches(?:[.:/]|$){others})[^/:]+(?:\.[^/]*)?}}"
    return (
        web.get(f"{root}batches", reads.list_batches),
        web.get(f"{root}batches.{{extension}}", reads.list_batches),
        web.get(f"{root}batches/{{batch}}", reads.get_batch),
        web.get(f"{root}batches/{{batch}}/failures", failures.get_failures),
        web.get(f"{root}batches/{{batch}}/failures.{{extension}}", failures.get_failures),
        web.get(f"{root}batches/{{batch}}/digest", digest.get_digest),
        web.get(f"{root}batches/{{batch}}/digest.{{extension}}", digest.get_digest),
        web.patch(f"{root}batches/{{batch}}/items", repairs.repair),
        web.patch(f"{root}batches/{{batch}}/items.{{extension}}", repairs.repair),
        web.delete(f"{root}batches/{{batch}}", repairs.give_up),
        web.post(f"{root}batches/{_BATCH}:repair", remedies.apply),
        web.post(f"{root}batches/{_BATCH}:repair.{{extension}}", remedies.apply),
        web.post(f"{root}batches/{_BATCH}:revert", reverts.revert),
        web.post(f"{root}batches/{_BATCH}:revert.{{extension}}", reverts.revert),
        web.post(f"{root}{collection}:delete", writes.delete),
        web.post(f"{root}{collection}:delete.{{extension}}", writes.delete),
        web.post(f"{root}{collection}", writes.create),
        web.patch(f"{root}{collection}", writes.update),
        web.put(f"{root}{collection}", writes.put),
        web.delete(f"{root}{collection}", writes.delete),
        web.get(f"{root}{collection}", reads.list_items),
        web.get(f"{root}{collection}/{_KEY}", reads.get_item),
        web.put(f"{root}{collection}/{_KEY}", writes.update_item),
        web.patch(f"{root}{collection}/{_KEY}", writes.update_item),
        web.delete(f"{root}{collection}/{_KEY}", writes.delete_item),
    )


ROUTES = (
    web.get("/healthz", probes.healthz),
    web.get("/readyz", probes.readyz),
    web.get("/metrics", probes.show_metrics),
    web.get("/openapi.json", openapi.openapi_json),
    web.get("/openapi.yaml", openapi.openapi_yaml),
    web.get("/", home.show_home),
    web.get("/docs", docs_page.show_docs),
    web.get("/docs/errors", error_pages.list_errors),
    web.get("/docs/errors/{name}", error_pages.show_error),
    web.get("/docs/try", try_page.show_try),
    web.get("/static/{name}", static.show_asset),
    web.post("/api/v1.1/{method:.*}", rpc.call),
    web.get(f"{API}{{collection}}/schema", schemas.get_schema),
    web.get(f"{API}{{collection}}/schema.{{extension}}", schemas.get_schema),
    *_api(API),
    *(route for root in ALIASES for route in _api(root)),
)
