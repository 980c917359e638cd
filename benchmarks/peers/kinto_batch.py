"""(h) Kinto's `/batch`, with its PostgreSQL backends, served by waitress as `kinto start` does.

A ready-made service for JSON records behind HTTP. Each item is a request of its own inside the
batch; the whole is one transaction. Records are JSON documents in Kinto's own table, checked by
the collection's JSON schema (with an expression for e-mail addresses: JSON Schema has no better).
Lacks unique attributes, so nothing stops a second contact with the same address, and typed columns.
"""

import json
from typing import Any

import kinto
import waitress
from kinto.core import scripts
from webob import Request

from benchmarks.peers.environment import CONNECTIONS, DATABASE_URL, PORT

RECORDS = "/buckets/bench/collections/people/records"
AUTHORIZATION = "Basic YmVuY2g6YmVuY2g="  # bench:bench
SETTINGS = {
    "multiauth.policies": "basicauth",
    "kinto.userid_hmac_secret": "for the benchmark",
    "kinto.storage_backend": "kinto.core.storage.postgresql",
    "kinto.storage_url": DATABASE_URL,
    "kinto.storage_pool_size": str(CONNECTIONS),
    "kinto.permission_backend": "kinto.core.permission.postgresql",
    "kinto.permission_url": DATABASE_URL,
    "kinto.permission_pool_size": str(CONNECTIONS),
    "kinto.cache_backend": "kinto.core.cache.memory",
    "kinto.batch_max_requests": "10000",
    "kinto.experimental_collection_schema_validation": "true",
}
THREADS = 1
"""Writers of one collection that run side by side get 409 "please retry": its times are unique."""
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "email", "first_name"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "email": {"type": "string", "maxLength": 254, "pattern": r"^[^@\s]+@[^@\s]+\.[^@\s]+$"},
        "first_name": {"type": "string", "minLength": 1, "maxLength": 100},
        "last_name": {"type": ["string", "null"], "maxLength": 100},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "status": {"enum": ["lead", "customer", "lost"]},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 50}},
        "created_at": {"type": "string", "format": "date-time"},
        "score": {"type": "number"},
    },
}


def put(app: Any, path: str, data: dict[str, Any]) -> None:
    """Make what records are kept in."""
    request = Request.blank(
        f"/v1{path}",
        method="PUT",
        headers={"Authorization": AUTHORIZATION, "Content-Type": "application/json"},
        body=json.dumps({"data": data}).encode(),
    )
    response = request.get_response(app)
    if response.status_int not in (200, 201):
        raise RuntimeError(f"Kinto refuses {path}: {response.text}")


def application() -> Any:
    app = kinto.main({}, **SETTINGS)
    scripts.migrate({"registry": app.registry})
    put(app, "/buckets/bench", {})
    put(app, "/buckets/bench/collections/people", {"schema": SCHEMA})
    return app


if __name__ == "__main__":
    waitress.serve(
        application(),
        listen=f"127.0.0.1:{PORT}",
        threads=THREADS,
        max_request_body_size=64 * 2**20,
    )
