"""Every endpoint."""

from aiohttp import web

from ingest.http import health, reads, writes

ROUTES = (
    web.get("/healthz", health.healthz),
    web.get("/readyz", health.readyz),
    web.get("/v1/batches", reads.list_batches),
    web.get("/v1/batches/{batch}", reads.get_batch),
    web.post("/v1/{collection:[^/:]+}:delete", writes.delete),
    web.post("/v1/{collection}", writes.create),
    web.patch("/v1/{collection}", writes.update),
    web.delete("/v1/{collection}", writes.delete),
    web.get("/v1/{collection}", reads.list_items),
    web.get("/v1/{collection}/{key}", reads.get_item),
)
