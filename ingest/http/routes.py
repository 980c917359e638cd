"""Every endpoint."""

from aiohttp import web

from ingest.http import health, metrics, reads, writes

ROUTES = (
    web.get("/healthz", health.healthz),
    web.get("/readyz", health.readyz),
    web.get("/metrics", metrics.show),
    web.get("/v1/batches", reads.list_batches),
    web.get("/v1/batches/{batch}", reads.get_batch),
    web.post("/v1/{collection:[^/:]+}:delete", writes.delete),
    web.post("/v1/{collection}", writes.create),
    web.patch("/v1/{collection}", writes.update),
    web.delete("/v1/{collection}", writes.delete),
    web.get("/v1/{collection}", reads.list_items),
    # `schema` is never a key: that path is kept for the collection's JSON Schema.
    web.get("/v1/{collection}/{key:(?!schema$)[^{}/]+}", reads.get_item),
)
