"""Every endpoint. What a path names may end with an extension, which `ingest.http.request` takes
off; where the path ends with a word of its own, the extension has a route."""

from aiohttp import web

from ingest.http import error_pages, failures, probes, reads, writes

# Batches are read only, and no collection is called so; a colon begins what is done with one.
_COLLECTION = r"{collection:(?!batches(?:[.:/]|$))[^/:]+}"
# `schema` is never a key: that path is kept for the collection's JSON Schema.
_KEY = r"{key:(?!schema(?:\.(?:json|xml|yaml))?$)[^/]+}"

ROUTES = (
    web.get("/healthz", probes.healthz),
    web.get("/readyz", probes.readyz),
    web.get("/metrics", probes.show_metrics),
    web.get("/docs/errors", error_pages.list_errors),
    web.get("/docs/errors/{name}", error_pages.show_error),
    web.get("/v1/batches", reads.list_batches),
    web.get("/v1/batches.{extension}", reads.list_batches),
    web.get("/v1/batches/{batch}", reads.get_batch),
    web.get("/v1/batches/{batch}/failures", failures.get_failures),
    web.get("/v1/batches/{batch}/failures.{extension}", failures.get_failures),
    web.post(f"/v1/{_COLLECTION}:delete", writes.delete),
    web.post(f"/v1/{_COLLECTION}:delete.{{extension}}", writes.delete),
    web.post(f"/v1/{_COLLECTION}", writes.create),
    web.patch(f"/v1/{_COLLECTION}", writes.update),
    web.delete(f"/v1/{_COLLECTION}", writes.delete),
    web.get(f"/v1/{_COLLECTION}", reads.list_items),
    web.get(f"/v1/{_COLLECTION}/{_KEY}", reads.get_item),
)
