"""The paths that are no collection's: batches, what operators' tools call, and this document."""

from collections.abc import Sequence
from typing import Any

from ingest.describe import answers, codes, repair_paths, revert_paths
from ingest.describe.answers import Said
from ingest.describe.collection_paths import EXTENSION
from ingest.describe.components import Object, reference
from ingest.describe.described import Described
from ingest.describe.faces import EVERY, IN_JSON, Face, alone
from ingest.describe.headers import headers
from ingest.describe.parameters import BATCH_FILTERS, shared
from ingest.errors import RequestError
from ingest.formats.failure_files import CsvWriter, NdjsonWriter, Writer
from ingest.formats.negotiation import CSV, EVENT_STREAM, JSON, NDJSON, YAML

_BATCHES, _OPERATIONS = "batches", "operations"


def batch_paths(this: Described) -> Object:
    """Batches under `/v1/`, with those of a collection as examples."""
    root, found = "/v1/batches", dict[str, Any]()
    for end, also in (("", ""), (EXTENSION, "As")):
        of_end: Object = {
            f"{root}{end}": {"get": _batches(this, f"listBatches{also}", EVERY)},
            f"{root}/{{batch}}{end}": {
                "get": _batch(this, f"getBatch{also}", EVERY),
                "delete": repair_paths.give_up(this, f"giveUpBatch{also}"),
            },
            f"{root}/{{batch}}/items{end}": {
                "patch": repair_paths.repair(this, f"repairBatch{also}")
            },
            f"{root}/{{batch}}:revert{end}": {
                "post": revert_paths.revert(this, f"revertBatch{also}")
            },
            f"{root}/{{batch}}:repair{end}": {
                "post": repair_paths.apply_remedies(this, f"applyRemedies{also}")
            },
            f"{root}/{{batch}}/failures{end}": {
                "get": _failures(this, f"getBatchFailures{also}", IN_JSON)
            },
            f"{root}/{{batch}}/digest{end}": {"get": _digest(this, f"getBatchDigest{also}", EVERY)},
        }
        found |= _extended(of_end) if end else of_end
    return found


def hash_batch_paths(this: Described) -> Object:
    """The same in the dialect `hash`."""
    face, root = alone("hash"), "/api/batches"
    return _extended(
        {
            f"{root}{EXTENSION}": {"get": _batches(this, "hashListBatches", face)},
            f"{root}/{{batch}}{EXTENSION}": {
                "get": _batch(this, "hashGetBatch", face),
                "delete": repair_paths.give_up(this, "hashGiveUpBatch", face),
            },
            f"{root}/{{batch}}/items{EXTENSION}": {
                "patch": repair_paths.repair(this, "hashRepairBatch", face)
            },
            f"{root}/{{batch}}:revert{EXTENSION}": {
                "post": revert_paths.revert(this, "hashRevertBatch", face)
            },
            f"{root}/{{batch}}:repair{EXTENSION}": {
                "post": repair_paths.apply_remedies(this, "hashApplyRemedies", face)
            },
            f"{root}/{{batch}}/failures{EXTENSION}": {
                "get": _failures(this, "hashGetBatchFailures", alone("hash", (JSON,)))
            },
            f"{root}/{{batch}}/digest{EXTENSION}": {
                "get": _digest(this, "hashGetBatchDigest", face)
            },
        }
    )


def _extended(paths: Object) -> Object:
    for name, path in paths.items():
        of_failures = name.endswith(f"/failures{EXTENSION}")
        path["parameters"] = shared("failuresExtension" if of_failures else "extension")
    return paths


def _batches(this: Described, operation_id: str, faces: Sequence[Face]) -> Object:
    said = answers.batches(this.resource)
    return {
        "operationId": operation_id,
        "tags": [_BATCHES],
        "summary": "List the batches of the account, the latest first",
        "parameters": shared("limit", "offset", *BATCH_FILTERS),
        "responses": _responses(this, operation_id, said, codes.BATCHES, faces),
    }


def _batch(this: Described, operation_id: str, faces: Sequence[Face]) -> Object:
    said = answers.batch(this.resource, this.example)
    found = _responses(this, operation_id, said, codes.BATCH, faces, "Batch")
    if operation_id == "getBatch":
        # OpenAPI 3.1 has no schema of a stream's events.
        this.content(found)[EVENT_STREAM] = {"example": answers.events(this.resource, this.example)}
    return {
        "operationId": operation_id,
        "tags": [_BATCHES],
        "summary": "One batch: its state, its counts, its failures and its answer",
        "parameters": shared("batch"),
        "responses": found,
    }


def _failures(this: Described, operation_id: str, faces: Sequence[Face]) -> Object:
    said = answers.failures(this.resource)
    found = _responses(this, operation_id, said, codes.BATCH, faces, "Batch")
    this.content(found).update(_files())
    return {
        "operationId": operation_id,
        "tags": [_BATCHES],
        "summary": "Every failed item of a batch",
        "parameters": shared("batch"),
        "responses": found,
    }


def _files() -> Object:
    """Failures as files; that of CSV is of a batch whose items are found by `id`."""
    writers: dict[str, Writer] = {NDJSON: NdjsonWriter(), CSV: CsvWriter(["id"], "id")}
    return {
        media_type: {
            "schema": {"type": "string"},
            "example": (writer.head + writer.page([answers.BAD])).decode(),
        }
        for media_type, writer in writers.items()
    }


def _digest(this: Described, operation_id: str, faces: Sequence[Face]) -> Object:
    said = answers.digest(this.resource)
    return {
        "operationId": operation_id,
        "tags": [_BATCHES],
        "summary": "Why the items of a batch failed, in groups, with remedies that are proven",
        "parameters": shared("batch"),
        "responses": _responses(this, operation_id, said, codes.BATCH, faces, "Batch"),
    }


def _responses(
    this: Described,
    operation_id: str,
    said: Sequence[Said],
    found: tuple[type[RequestError], ...],
    faces: Sequence[Face],
    *kinds: str,
) -> Object:
    before = "Hash" if faces[0].alone else ""
    named = tuple(f"{before}{each}" for each in ("Read", *kinds))
    return this.responses(
        operation_id, named, said, found, faces, shows=said[0].of, of_collection=False
    )


def operational_paths(docs: str) -> Object:
    """What needs no token, but for this document where `INGEST_DOCS` asks for one.

    Args:
        docs: that setting.
    """
    state = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    return {
        "/healthz": {"get": _probe("healthz", "Whether this process is alive", state, (200,))},
        "/readyz": {
            "get": _probe("readyz", "Whether the service can answer requests", state, (200, 503))
        },
        "/metrics": {"get": _text("metrics", "What Prometheus reads", "text/plain")},
        "/openapi.json": {"get": _document("openapiJson", JSON, docs)},
        "/openapi.yaml": {"get": _document("openapiYaml", YAML, docs)},
    }


def _probe(operation_id: str, summary: str, schema: Object, statuses: tuple[int, ...]) -> Object:
    return _open(operation_id, summary) | {
        "responses": {
            str(status): {
                "description": "Yes." if status == 200 else "No; `checks` says why.",
                "headers": headers("X-Trace-Id"),
                "content": {JSON: {"schema": schema}},
            }
            for status in statuses
        }
    }


def _text(operation_id: str, summary: str, media_type: str) -> Object:
    return _open(operation_id, summary) | {
        "responses": {
            "200": {
                "description": "In the format of Prometheus.",
                "headers": headers("X-Trace-Id"),
                "content": {media_type: {"schema": {"type": "string"}}},
            }
        }
    }


def _document(operation_id: str, media_type: str, docs: str) -> Object:
    needed = docs == "token"
    security: Object = {"security": [{"bearer": []}]} if needed else {}
    refused = {"401": reference("responses", "Read401")} if needed else {}
    return (
        _open(operation_id, f"This document, as {media_type}")
        | security
        | {
            "responses": {
                "200": {
                    "description": "OpenAPI 3.1 of what this instance serves.",
                    "headers": headers("X-Trace-Id", "ETag"),
                    "content": {media_type: {"schema": {"type": "object"}}},
                },
                "304": {
                    "description": "It is the version that `If-None-Match` names.",
                    "headers": headers("X-Trace-Id", "ETag"),
                },
                **refused,
            }
        }
    )


def _open(operation_id: str, summary: str) -> Object:
    return {
        "operationId": operation_id,
        "tags": [_OPERATIONS],
        "summary": summary,
        "security": [],
    }
