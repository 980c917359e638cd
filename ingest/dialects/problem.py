"""RFC 9457: errors and failures as problem details, each error of an item by its JSON pointer."""

from typing import Any

from ingest.dialects import collection
from ingest.dialects.answer import Answer, Context, Dialect, Document, Told
from ingest.model import ItemError

_MEDIA_TYPE = "application/problem+json"


def tell(answer: Answer, context: Context) -> Told:
    """An error or a failure as a problem; what is neither, as the default dialect has it."""
    told = collection.tell(answer, context)
    document = answer.document
    if document["result"] not in ("error", "failure"):
        return told
    error = document.get("error")
    name = error["name"] if error else "invalid_items"
    problem: Document = {
        "type": f"{context.docs}{name}",
        "title": name.replace("_", " ").capitalize(),
        "status": told.status,
        "detail": document["message"],
    }
    if error and "description" in error:
        problem["detail"] += f". {error['description']}"
    if batch_id := document.get("metadata", {}).get("batchId"):
        problem["instance"] = f"/v1/batches/{batch_id}"
    if answer.failures:
        problem["errors"] = [
            {**each.document(), "pointer": _pointer(failure.index, each)}
            for failure in answer.failures
            for each in failure.errors
        ]
    kept = ("error", "metadata", "notifications")
    more: dict[str, Any] = told.document or {}
    return Told(told.status, problem | {key: more[key] for key in kept if key in more})


def _pointer(index: int, error: ItemError) -> str:
    """The JSON pointer (RFC 6901) from the body to the field."""
    steps = [] if error.field is None else error.field.split(".")
    escaped = [step.replace("~", "~0").replace("/", "~1") for step in steps]
    return "/" + "/".join([str(index), *escaped])


DIALECT = Dialect(name="problem", tell=tell, waits=False, media_type=_MEDIA_TYPE)
