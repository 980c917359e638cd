"""The JSON Schemas of answers: of the default dialect by kind, of each other dialect its one."""

from collections.abc import Mapping
from typing import Any

from ingest.describe.components import Components, Object, reference
from ingest.describe.digest import digest_schemas
from ingest.errors import ITEM_CODES, request_errors
from ingest.model import Action, BatchState, ItemOutcome

_COUNT = {"type": "integer", "minimum": 0}
_INDICES = {"type": "array", "items": _COUNT}
_TIME = {"type": "string", "format": "date-time"}
_TEXT = {"type": "string"}
_BATCH_ID = {"type": "string", "format": "uuid"}
_REPAIR = {"attempt": {"type": "integer", "minimum": 1}, "repairable": {"type": "boolean"}}
_TYPES = ["system", "client", "syntax", "content", "permission", "validation"]


def of(name: str) -> Object:
    """A reference to a schema."""
    return reference("schemas", name)


def _object(properties: Mapping[str, Any], required: str = "", **more: Any) -> Object:
    needed = {"required": required.split()} if required else {}
    return {"type": "object", "properties": {**properties}} | needed | more


def _array(items: Object) -> Object:
    return {"type": "array", "items": items}


_CALL: dict[str, Object] = {
    "token": {"type": "string", "description": "Where no header has it."},
    "db_id": {"type": "integer"},
    "resource_id": {"type": "integer"},
    "matching": {"type": "string", "description": "The field that finds a profile."},
    "profile_id": {"description": "The key of a profile."},
}
"""What every call of the dialect `rpc` may have."""
_NOTIFICATIONS = {"notifications": _array(_TEXT)}


def document(results: str, **members: Any) -> Object:
    """A document of the default dialect.

    Args:
        results: what `result` may be.
        members: beside those that every document has; the required ones are named by `required`.
    """
    required = members.pop("required", "")
    envelope = {
        "result": {"enum": results.split()},
        "status": {"type": "integer", "minimum": 200, "maximum": 599},
        "timestamp": _TIME,
        "message": _TEXT,
    }
    return _object(
        envelope | members | _NOTIFICATIONS, f"result status timestamp message {required}"
    )


def _error(codes: list[int], names: list[str], **more: Any) -> Object:
    properties = {
        "type": {"enum": _TYPES},
        "code": {"enum": codes},
        "name": {"enum": names},
        "message": _TEXT,
        "description": _TEXT,
    }
    return _object(properties | more, "type code name message")


def add_documents(components: Components) -> None:
    """The schemas that are the same for every collection."""
    whole = sorted((each.code, each.name) for each in request_errors())
    items = sorted((each.code, each.name) for each in ITEM_CODES.values())
    limit = _object({"collection": _TEXT, "maximum": _COUNT, "left": {"type": "integer"}})
    error_of_request = _error(
        [code for code, _ in whole],
        [name for _, name in whole],
        moreInfo={"type": "string", "format": "uri-reference"},
        limit=limit,
    )
    error_of_item = _error([code for code, _ in items], [name for _, name in items], field=_TEXT)
    failure = _object(
        {"rawData": {}, "errors": _array(of("ItemError")) | {"minItems": 1}}, "errors"
    )
    failure_at = failure | {
        "properties": {"index": _COUNT} | failure["properties"],
        "required": ["index", "errors"],
    }
    parts = {
        "Error": error_of_request,
        "ItemError": error_of_item,
        "Failure": failure,
        "WriteMetadata": _write_metadata(),
        "FailureAt": failure_at,
        "FailuresMetadata": _failures_metadata(),
        "ListMetadata": _list_metadata(),
        "Batch": _batch(),
        "RpcCall": _object(_CALL),
        **digest_schemas(),
    }
    for name, schema in {**parts, **_documents(), **_dialects()}.items():
        components.add("schemas", name, value=schema)


def _write_metadata() -> Object:
    counts = dict.fromkeys(("created", "updated", "deleted", "unchanged"), _COUNT)
    outcomes = _array({"enum": [each.value for each in ItemOutcome]})
    return _object(
        {
            "batchId": _BATCH_ID,
            "receivedItemsCount": _COUNT,
            "validItemsCount": _COUNT,
            "invalidItemsCount": _COUNT,
            "validItems": _INDICES,
            "invalidItems": _INDICES,
            **_REPAIR,
            "droppedItems": _INDICES,
            "droppedItemsCount": _COUNT,
            **counts,
            "outcomes": outcomes,
        },
        "receivedItemsCount validItemsCount invalidItemsCount",
    )


def _failures_metadata() -> Object:
    counts = dict.fromkeys(("receivedItemsCount", "invalidItemsCount"), _COUNT)
    return _object({"batchId": _BATCH_ID} | counts, "batchId receivedItemsCount invalidItemsCount")


def _list_metadata() -> Object:
    names = ("page", "pagesCount", "recordsPerPage", "recordsCount")
    more = {"nextOffset": _COUNT, "next": _TEXT}
    return _object(dict.fromkeys(names, _COUNT) | more, " ".join(names))


def _batch() -> Object:
    time = {"type": ["string", "null"], "format": "date-time"}
    return _object(
        {
            "id": _BATCH_ID,
            "collection": _TEXT,
            "action": {"enum": [each.value for each in Action]},
            "state": {"enum": [each.value for each in BatchState]},
            "createdAt": _TIME,
            "acceptedAt": time,
            "finishedAt": time,
            **_REPAIR,
            "reverts": _BATCH_ID | {"description": "The batch that it undoes."},
            "metadata": of("WriteMetadata"),
            "failures": _array(of("Failure")),
            "response": {
                "anyOf": [_object({"status": _COUNT, "body": {"type": "object"}}), {"type": "null"}]
            },
        },
        "id collection action state createdAt acceptedAt finishedAt metadata",
    )


def _documents() -> dict[str, Object]:
    failed = {"metadata": of("WriteMetadata"), "failures": _array(of("Failure"))}
    return {
        "ErrorDocument": document(
            "error", error=of("Error"), metadata={"type": "object"}, required="error"
        ),
        "FailureDocument": document("failure", **failed, error=of("Error"), required="metadata"),
        "AcceptedDocument": document("accepted", **failed, required="metadata"),
        "DryRunDocument": document("success", **failed, required="metadata"),
        "BatchDocument": document("success", data=of("Batch"), required="data"),
        "BatchesDocument": document(
            "success",
            metadata=of("ListMetadata"),
            data=_array(of("Batch")),
            required="metadata data",
        ),
        "DigestDocument": document("success", data=of("Digest"), required="data"),
        "FailuresDocument": document(
            "success",
            metadata=of("FailuresMetadata"),
            failures=_array(of("FailureAt")),
            required="metadata failures",
        ),
    }


def _dialects() -> dict[str, Object]:
    any_object: Object = {"type": "object"}
    named = {"type": "object", "description": "As the default dialect, with fewer statuses."}
    return {
        "Problem": _object(
            {
                "type": {"type": "string", "format": "uri-reference"},
                "title": _TEXT,
                "status": _COUNT,
                "detail": _TEXT,
                "instance": {"type": "string", "format": "uri-reference"},
                "errors": _array(of("ItemError")),
                "error": of("Error"),
                "metadata": any_object,
            },
            "type title status detail",
        ),
        "CollectionDocument": document("success partial accepted failure error") | named,
        "DataDocument": _object(
            {
                "data": {"description": "What was asked for; null in an error."},
                "error": any_object,
                "failures": _array(of("Failure")),
                "metadata": any_object,
                "pagination": _object(dict.fromkeys(("total", "limit", "offset"), _COUNT)),
            },
            "data",
        ),
        "HashDocument": _object(
            {
                "timestamp": _TIME,
                "status": {"type": "integer", "description": "0 for success, else a code."},
                "message": _TEXT,
                "data": any_object,
                **dict.fromkeys(("tags", "statuses", "sales"), _array(any_object)),
                "notifications": _array(_TEXT),
            },
            "timestamp status message",
        ),
        "StatusDocument": _object(
            {
                "status": _COUNT,
                "timestamp": _TIME,
                "message": _TEXT,
                "error_name": _TEXT,
                "error_message": _TEXT,
                "more_info": {"type": "string", "format": "uri-reference"},
                "metadata": any_object,
                "data": {},
                "failures": _array(of("Failure")),
            },
            "status timestamp",
        ),
        "RpcDocument": _object(
            {
                "error": {"type": "integer", "description": "0 for success, else a code."},
                "error_text": _TEXT,
                "profile_id": _TEXT,
                "data": {},
                "result": _array(any_object),
            },
            "error error_text",
        ),
    }
