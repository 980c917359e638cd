"""The dialect `hash`: document 000, whose every answer is a map with a status of 0 or a code."""

from collections.abc import Sequence
from typing import Any

from ingest.access.quotas import TOTAL_REACHED
from ingest.dialects.answer import Answer, Context, Dialect, Document, Format, Kind, Told
from ingest.errors import INVALID

ACCEPTED = 20200
"""The status of a batch that is accepted and not finished, for which the document has no word."""

_SUMMARIES = ("tags", "statuses", "sales")
_DEALS_FULL, _CONTACTS_FULL = "deals_limit_reached", "contacts_list_full"
_NOTIFICATIONS = (_DEALS_FULL, _CONTACTS_FULL, "too_many_contacts")
_PLAIN = str.maketrans("<>", "[]")
"""Messages are shown to people, and may quote what was sent: that is never HTML."""
_OWN = frozenset({"batch", "count", "failures", "invalid", "maxpage", "page", "received", "valid"})
"""Members of `data` beside the items; those of a collection that is called so are `items`."""


def tell(answer: Answer, context: Context) -> Told:
    """The answer as a map, with what the operation returns inside `data`."""
    document = _map(answer, context)
    summaries = context.summaries
    document |= {name: summaries[name] for name in _SUMMARIES if name in summaries}
    if names := _notifications(context.notifications):
        document["notifications"] = names
    return Told(_http_status(answer), document)


DIALECT = Dialect(
    name="hash",
    tell=tell,
    format=Format.EXPLICIT,
    path="/api/",
    is_alias=True,
    knows_accepted=False,
    shows_summaries=True,
    codes=((ACCEPTED, "The batch is accepted, and not finished yet. Its id is in the message."),),
)


def _map(answer: Answer, context: Context) -> Document:
    document: Document = {
        "timestamp": answer.document["timestamp"],
        "status": _status(answer),
        "message": _message(answer).translate(_PLAIN),
    }
    data = _data(answer, context)
    return document if data is None else document | {"data": data}


def _status(answer: Answer) -> int:
    if answer.saved_all:
        return 0
    if answer.document["result"] == "accepted":
        return ACCEPTED
    # The failures of a long batch may have expired, or be hidden from the token.
    return next(iter(answer.codes), INVALID.code)


def _http_status(answer: Answer) -> int:
    """200, so that the document is read; but what proxies and retries go by stays."""
    return answer.status if answer.status == 429 or answer.status >= 500 else 200


def _message(answer: Answer) -> str:
    document = answer.document
    message = str(document["message"])
    if document["result"] == "accepted":
        return f"{message}: {document['metadata']['batchId']}"
    if document["result"] == "partial":
        return f"Saved in part: {message}"
    description = document.get("error", {}).get("description")
    return f"{message}. {description}" if description else message


def _data(answer: Answer, context: Context) -> Any:
    """What the operation returns; None for what returns nothing."""
    document = answer.document
    if document["result"] == "error":
        return None
    if answer.kind is Kind.LIST:
        return _page(document, context.collection)
    if answer.kind is Kind.BATCHES:
        return _page(document, "batches")
    if answer.kind in (Kind.ITEM, Kind.DIGEST):
        return document["data"]
    if answer.kind is Kind.BATCH:
        return document["data"] | {"response": _stored(answer, context)}
    if answer.kind is Kind.FAILURES:
        return _counts(document["metadata"]) | {"failures": document["failures"]}
    return None if context.minimal and answer.saved_all else _written(answer, context)


def _page(document: Document, collection: str) -> Document:
    metadata = document["metadata"]
    return {
        "count": metadata["recordsCount"],
        "page": metadata["page"],
        "maxpage": metadata["pagesCount"],
        _items_of(collection): document["data"],
    }


def _written(answer: Answer, context: Context) -> Document:
    document = answer.document
    data = _counts(document["metadata"])
    if answer.outcome is not None and "data" in document:
        data[_items_of(answer.outcome.batch.collection)] = document["data"]
    if answer.failures:
        data["failures"] = [
            {"index": failure.index}
            | ({} if context.minimal else {"data": failure.raw})
            | {"errors": [each.document() for each in failure.errors]}
            for failure in answer.failures
        ]
    return data


def _counts(metadata: Document) -> Document:
    """What is said of a batch; a dry run has no id, and a very long one no indices."""
    names = {
        "batchId": "batch",
        "receivedItemsCount": "received",
        "validItems": "valid",
        "invalidItems": "invalid",
    }
    return {ours: metadata[theirs] for theirs, ours in names.items() if theirs in metadata}


def _stored(answer: Answer, context: Context) -> Document | None:
    """The answer that a batch got, as this dialect tells it; None while there is none."""
    stored = answer.stored
    if stored is None:
        return None
    body = _map(stored, context)
    if isinstance(body["data"], dict):
        body["data"].pop("failures", None)  # they stand beside it
    return {"status": _http_status(stored), "body": body}


def _items_of(collection: str) -> str:
    return "items" if collection in _OWN else collection


def _notifications(names: Sequence[str]) -> list[str]:
    """The document's three; the limit of all collections together has the effect of two of them."""
    found = {*names}
    if TOTAL_REACHED in found:
        found |= {_DEALS_FULL, _CONTACTS_FULL}
    return [name for name in _NOTIFICATIONS if name in found]
