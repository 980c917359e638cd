"""Dialect `status`: document 002. `status` is the HTTP status again, and a failure has a name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from ingest.dialects import collection
from ingest.dialects.answer import Answer, Context, Dialect, Document, Format, Kind, Told
from ingest.errors import INVALID_ITEMS
from ingest.model import Failure

_OK = HTTPStatus.OK.value
_BAD_REQUEST = HTTPStatus.BAD_REQUEST.value
_STATUSES = {
    400: 400,
    401: 401,
    403: 403,
    404: 404,
    405: 400,
    408: 400,
    409: 409,
    412: 409,
    413: 400,
    415: 400,
    422: 400,
    429: 409,
    435: 409,
    441: 403,
    500: 500,
    501: 400,
    503: 500,
}
"""By the class of a code, which is its first three digits."""
_JSON = "application/json"
_KEPT = ("metadata", "data", "failures")


def status_of(code: int) -> int:
    """The status of an error code; a class of codes that the table lacks is a KeyError."""
    return _STATUSES[code // 100]


def tell(answer: Answer, context: Context) -> Told:
    """The answer with the closed list of statuses of document 002, and 202."""
    document = answer.document
    if error := document.get("error"):
        status, failed = status_of(error["code"]), (error["name"], _sentence(error))
    elif document["result"] == "failure":
        status, failed = _status_of_items(answer.failures), _of_items(answer)
    else:
        status, failed = (answer.status if answer.status == HTTPStatus.ACCEPTED else _OK), None
    told: Document = {"status": status, "timestamp": document["timestamp"]}
    if failed is None:
        told["message"] = document["message"]
    else:
        told["error_name"], told["error_message"] = failed
        told["more_info"] = context.page(failed[0])
    told |= {name: document[name] for name in _KEPT if name in document}
    if answer.stored is not None:
        stored = tell(answer.stored, replace(context, notifications=(), summaries={}))
        response = {"status": stored.status, "body": stored.document}
        told["data"] = told["data"] | {"response": response}
    told |= context.summaries
    if context.notifications:
        told["notifications"] = list(context.notifications)
    # Whatever Accept says: this dialect does not take a format from there.
    return Told(status, told, None if context.extension else _JSON)


def _status_of_items(failures: Sequence[Failure]) -> int:
    """One status for a batch: that of its errors where they agree, else 400."""
    found = {status_of(error.code.code) for failure in failures for error in failure.errors}
    return found.pop() if len(found) == 1 else _BAD_REQUEST


def _of_items(answer: Answer) -> tuple[str, str]:
    """The name of the errors of a batch where they agree, where the first is, and a limit."""
    names = {error.code.name for failure in answer.failures for error in failure.errors}
    name = names.pop() if len(names) == 1 else INVALID_ITEMS
    if not answer.failures:
        return name, str(answer.document["message"])
    first = answer.failures[0]
    error = first.errors[0]
    place = f"Item {first.index}" if error.field is None else f"Item {first.index}, {error.field}"
    limit = "" if answer.limit is None else f" {_sentence(answer.limit)}"
    text = f"{place}: {_sentence(error.document())}{limit}"
    if answer.kind is Kind.DRY_RUN:
        text = f"{collection.DRY_RUN}{text.replace(collection.NOTHING_SAVED, '')}"
    return name, text


def _sentence(error: Mapping[str, Any]) -> str:
    """The message of an error and, where it has one, its description."""
    parts = (error["message"], error.get("description"))
    return " ".join(part if part[-1:] in ".!?" else f"{part}." for part in parts if part)


DIALECT = Dialect(name="status", tell=tell, format=Format.EXTENSION)
