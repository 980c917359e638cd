"""RFC 9457: errors and failures as problem details, each error of an item by its JSON pointer.

The second face of the default dialect, and of its named one. What is neither error nor failure is
shown as they show it.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ingest.dialects import collection
from ingest.dialects.answer import Answer, Context, Dialect, Document, Tell, Told
from ingest.errors import INVALID_ITEMS
from ingest.exactjson import dump_exact, load_exact
from ingest.model import Failure, ItemError

_MEDIA_TYPE = "application/problem+json"
_KEPT = ("error", "metadata", "notifications")


def _telling(tell: Tell) -> Tell:
    """As a dialect tells an answer, but for what is a problem."""

    def tell_problem(answer: Answer, context: Context) -> Told:
        told = tell(answer, context)
        document = told.document or {}
        if document["result"] not in ("error", "failure"):
            return told
        if error := answer.document.get("error") or answer.limit:
            document["error"] = error  # its page is the problem's type
        return Told(told.status, _problem(document, answer, context), _MEDIA_TYPE)

    return tell_problem


def _problem(document: Mapping[str, Any], answer: Answer, context: Context) -> Document:
    error = answer.document.get("error")
    name = error["name"] if error else INVALID_ITEMS
    problem: Document = {
        "type": context.page(name),
        "title": name.replace("_", " ").capitalize(),
        "status": document["status"],
        "detail": document["message"],
    }
    if error and "description" in error:
        problem["detail"] += f". {error['description']}"
    if batch_id := document.get("metadata", {}).get("batchId"):
        problem["instance"] = f"/v1/batches/{batch_id}"
    if answer.failures:
        problem["errors"] = [
            {
                "detail": each.message,
                "pointer": _pointer(failure, each, single=context.single),
                **each.document(),
            }
            for failure in answer.failures
            for each in failure.errors
        ]
    kept = {name: document[name] for name in _KEPT if name in document}
    return {**context.summaries, **problem, **kept}


def _pointer(failure: Failure, error: ItemError, *, single: bool) -> str:
    """The JSON pointer (RFC 6901, 6) from the body to the field.

    It ends at the item where that is a bare key, or where several fields are at fault together.
    """
    steps = [] if single else [str(failure.index)]
    together = error.code.type == "content" and "," in (error.field or "")
    item = _item(failure.raw)
    if error.field is not None and not together and item is not None:
        # A name may have dots of its own.
        steps += [error.field] if error.field in item else error.field.split(".")
    escaped = (step.replace("~", "~0").replace("/", "~1") for step in steps)
    return "#" + "".join(f"/{quote(step, safe='~')}" for step in escaped)


def _item(raw: Any) -> Mapping[str, Any] | None:
    """An item that was received as an object; what was looked up is still text."""
    item = raw if isinstance(raw, Mapping) else load_exact(dump_exact(raw))
    return item if isinstance(item, Mapping) else None


DEFAULT = Dialect(
    name="problem", tell=_telling(collection.tell), waits=False, media_type=_MEDIA_TYPE
)
DIALECT = Dialect(
    name="problem", tell=_telling(collection.tell_named), waits=False, media_type=_MEDIA_TYPE
)
