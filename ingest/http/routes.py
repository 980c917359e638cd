"""Every endpoint. What a path names may end with an extension, which `ingest.http.negotiation`
takes off; where the path ends with a word of its own, the extension has a route."""

from aiohttp import web

from ingest.http import failures, health, metrics, reads, writes

ROUTES = (
    web.get("/healthz", health.healthz),
    web.get("/readyz", health.readyz),
    web.get("/metrics", metrics.show),
    web.get("/v1/batches", reads.list_batches),
    web.get("/v1/batches.{extension}", reads.list_batches),
    web.get("/v1/batches/{batch}", reads.get_batch),
    web.get("/v1/batches/{batch}/failures", failures.get_failures),
    web.get("/v1/batches/{batch}/failures.{extension}", failures.get_failures),
    web.post("/v1/{collection:[^/:]+}:delete", writes.delete),
    web.post("/v1/{collection:[^/:]+}:delete.{extension}", writes.delete),
    web.post("/v1/{collection}", writes.create),
    web.patch("/v1/{collection}", writes.update),
    web.delete("/v1/{collection}", writes.delete),
    web.get("/v1/{collection}", reads.list_items),
    # `schema` is never a key: that path is kept for the collection's JSON Schema.
    web.get(r"/v1/{collection}/{key:(?!schema(?:\.(?:json|xml|yaml))?$)[^/]+}", reads.get_item),
)
