"""The default dialect, `collection`: document 003 with HTTP's finer statuses (contract 2).

Its functions make the answer to an outcome, a list, an item or an error. Where a client or a token
names the dialect, an answer has the closed list of statuses of document 003.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from ingest.dialects.answer import Answer, Context, Dialect, Document, Kind, Paging, Told
from ingest.errors import AMBIGUOUS_MATCH, LimitReached, RequestError
from ingest.model import (
    MAX_INDICES,
    MAX_LISTED_ITEMS,
    OUTCOME_LETTERS,
    Action,
    Batch,
    BatchState,
    Failure,
    Outcome,
    Page,
    Selection,
)
from ingest.resources.representation import Presenter

NOTHING_SAVED = "; nothing was saved"
"""How the messages of batches end that saved nothing."""
DRY_RUN = "Dry run, nothing was saved: "
"""How the messages of dry runs begin."""


def written(outcome: Outcome, presenter: Presenter, *, minimal: bool = False) -> Answer:
    """The answer to POST, PATCH and DELETE.

    Args:
        minimal: whether failures are shown without the items that they are of.
    """
    batch = outcome.batch
    status, result = _status(batch)
    document = _envelope(result, status, _message(batch) + _left_out(outcome))
    document["metadata"] = _short_metadata(batch)
    if batch.state is BatchState.COMMITTED and batch.data is not None:
        document["data"] = presenter.items(batch.data, batch.options.select)
    if batch.stopped is not None:
        document["error"] = batch.stopped
    if outcome.failures:
        document["failures"] = [_failure(each, minimal=minimal) for each in outcome.failures]
    return Answer(
        kind=Kind.WRITE, status=status, document=document, outcome=outcome, presenter=presenter
    )


def repaired(outcome: Outcome, presenter: Presenter, *, minimal: bool = False) -> Answer:
    """The answer to a repair: what its batch came to, with the statuses of PATCH."""
    answer = written(outcome, presenter, minimal=minimal)
    if answer.status == HTTPStatus.CREATED:
        answer = replace(answer, status=HTTPStatus.OK.value)
        answer.document["status"] = answer.status
    return answer


def dry_run(outcome: Outcome, *, minimal: bool = False) -> Answer:
    """The answer to a dry run: what a real call would find and count, and nothing saved.

    Args:
        minimal: as in `written`.
    """
    batch = outcome.batch
    if batch.stopped is not None:
        status, result = _status(batch)
        document = _envelope(result, status, _message(batch)) | {"error": batch.stopped}
    else:
        status, result = (422, "failure") if batch.invalid else (200, "success")
        told = _message(batch).removesuffix(NOTHING_SAVED)
        document = _envelope(result, status, f"{DRY_RUN}{told}")
    document["metadata"] = _short_metadata(batch)
    del document["metadata"]["batchId"]
    if outcome.failures:
        document["failures"] = [_failure(each, minimal=minimal) for each in outcome.failures]
    return Answer(kind=Kind.DRY_RUN, status=status, document=document, outcome=outcome)


def listed(
    page: Page, presenter: Presenter, select: Selection, following: str | None = None
) -> Answer:
    """One page of a collection.

    Args:
        following: the key after which the next one begins; None where there is none.
    """
    paging = Paging(limit=page.limit, offset=page.offset, total=page.total)
    message = f"{len(page.rows)} of {page.total} items"
    if page.rest is not None:
        message += f"; with more it would be too large: go on with offset={page.rest}"
    document = _envelope("success", 200, message)
    document["metadata"] = _page(paging)
    if page.rest is not None:
        document["metadata"]["nextOffset"] = page.rest
    if following is not None:
        document["metadata"]["next"] = following
    document["data"] = [presenter.item(row, select) for row in page.rows]
    return Answer(kind=Kind.LIST, status=200, document=document, paging=paging)


def item(row: bytes, presenter: Presenter, select: Selection) -> Answer:
    """One item, with the metadata of a list of one."""
    document = _envelope("success", 200, "1 item")
    document["metadata"] = _page(Paging(limit=1, offset=0, total=1))
    document["data"] = presenter.item(row, select)
    return Answer(kind=Kind.ITEM, status=200, document=document, presenter=presenter, row=row)


def listed_batches(
    found: Sequence[Batch], limit: int, offset: int, total: int, following: str | None = None
) -> Answer:
    """One page of batches: counts, but neither indices nor failures nor responses.

    Args:
        following: the batch after which the next one begins; None where there is none.
    """
    paging = Paging(limit=limit, offset=offset, total=total)
    document = _envelope("success", 200, f"{len(found)} of {total} batches")
    document["metadata"] = _page(paging)
    if following is not None:
        document["metadata"]["next"] = following
    document["data"] = [in_list(each) for each in found]
    return Answer(kind=Kind.BATCHES, status=200, document=document, paging=paging)


def in_list(shown: Batch) -> dict[str, Any]:
    """A batch as it stands in a list."""
    return _batch(shown) | {"metadata": _counts(shown)}


def batch(outcome: Outcome, presenter: Presenter | None) -> Answer:
    """One batch, whatever became of it; `presenter` is None where its collection is gone.

    Its `response` is for the dialect to fill in, from the answer that is `stored` with this one.
    """
    shown = outcome.batch
    stored = None
    if shown.state.finished and presenter is not None:
        stored = written(outcome, presenter)
        stored.document.pop("failures", None)  # they stand beside it
    message = f"The batch is {shown.state.value}"
    if shown.received > MAX_INDICES:
        message += "; it has too many items for their indices to be listed"
    document = _envelope("success", 200, message)
    document["data"] = _batch(shown) | {
        "failures": [_failure(failure) for failure in outcome.failures],
        "response": stored and {"status": stored.status, "body": stored.document},
    }
    return Answer(
        kind=Kind.BATCH, status=200, document=document, outcome=Outcome(shown), stored=stored
    )


def failures(shown: Batch, listed: Any) -> Answer:
    """All failures of a batch; `listed` stands for them."""
    bad = shown.invalid_count
    document = _envelope("success", 200, f"{bad} of {_items(shown.received)} {_are(bad)} invalid")
    document["metadata"] = {
        "batchId": str(shown.id),
        "receivedItemsCount": shown.received,
        "invalidItemsCount": bad,
    }
    document["failures"] = listed
    return Answer(kind=Kind.FAILURES, status=200, document=document)


def digest(shown: Batch, found: Document) -> Answer:
    """The digest of a batch's failures."""
    counted, reasons = found["failedItemsCount"], len(found["groups"])
    message = f"{counted} of {_items(shown.received)} {_are(counted)} invalid"
    if counted:
        message += f", for {reasons} {'reason' if reasons == 1 else 'reasons'}"
    remedied = sum("remedy" in each for each in found["groups"])
    if remedied:
        message += (
            f"; there {_are(remedied)} {remedied} {'remedy' if remedied == 1 else 'remedies'}"
        )
    document = _envelope("success", 200, message)
    document["data"] = {
        "batchId": str(shown.id),
        "collection": shown.collection,
        "action": shown.action.value,
        "state": shown.state.value,
        "receivedItemsCount": shown.received,
    } | found
    return Answer(kind=Kind.DIGEST, status=200, document=document)


_OWN_STATUSES = {AMBIGUOUS_MATCH.code: 422}
"""Of codes whose first digits are no status of HTTP."""


def error(problem: RequestError) -> Answer:
    """An error of the request as a whole."""
    status = _OWN_STATUSES.get(problem.error_code.code) or problem.error_code.code // 100
    document = _envelope("error", status, problem.message)
    document["error"] = problem.document()
    if problem.batch_id is not None:
        document["metadata"] = {"batchId": str(problem.batch_id)}
    return Answer(kind=Kind.ERROR, status=status, document=document, problem=problem)


def tell(answer: Answer, context: Context) -> Told:
    """The answer as it is, with what is added to all of them."""
    more: Document = dict(context.summaries)
    if context.notifications:
        more["notifications"] = list(context.notifications)
    if error := answer.document.get("error") or answer.limit:
        more["error"] = {**error, "moreInfo": context.page(error["name"])}
    if answer.stored is not None:
        stored = tell(answer.stored, Context(docs=context.docs))
        response = {"status": stored.status, "body": stored.document}
        more["data"] = answer.document["data"] | {"response": response}
    return Told(answer.status, answer.document | more if more else answer.document)


_STATUSES = {201: 200, 207: 200, 408: 400, 409: 422, 412: 422, 413: 400, 415: 400, 501: 400}
"""Document 003 has a closed list. 429, 503 and 202 are kept: proxies and retries need them."""


def tell_named(answer: Answer, context: Context) -> Told:
    """The answer with the statuses of document 003, and no more metadata of a list than it has."""
    told = tell(answer, context)
    document = {**answer.document, **(told.document or {})}
    if answer.stored is not None:
        stored = tell_named(answer.stored, Context(docs=context.docs))
        response = {"status": stored.status, "body": stored.document}
        document["data"] = document["data"] | {"response": response}
    if answer.paging is not None:
        own = ("next", "nextOffset")
        metadata = document["metadata"].items()
        document["metadata"] = {name: value for name, value in metadata if name not in own}
    document["status"] = status = _STATUSES.get(answer.status, answer.status)
    return Told(status, document)


DEFAULT = Dialect(name="collection", tell=tell, waits=False)
DIALECT = Dialect(name="collection", tell=tell_named, waits=False)


def _batch(shown: Batch) -> Document:
    return {
        "id": str(shown.id),
        "collection": shown.collection,
        "action": shown.action.value,
        "state": shown.state.value,
        "createdAt": _time(shown.created_at),
        "acceptedAt": _time(shown.accepted_at),
        "finishedAt": _time(shown.finished_at),
        **_repair(shown),
        **_reverts(shown),
        "metadata": _metadata(shown),
    }


def _repair(shown: Batch) -> Document:
    """What is said of repairs, of a batch that was sent to be kept for them."""
    if not shown.options.repair:
        return {}
    return {"attempt": shown.attempt, "repairable": shown.kept}


def _reverts(shown: Batch) -> Document:
    reverts = shown.options.reverts
    return {} if reverts is None else {"reverts": str(reverts)}


def _page(paging: Paging) -> Document:
    limit, offset, total = paging.limit, paging.offset, paging.total
    return {
        "page": offset // limit + 1,
        "pagesCount": -(-total // limit),
        "recordsPerPage": limit,
        "recordsCount": total,
    }


def _envelope(result: str, status: int, message: str) -> Document:
    return {
        "result": result,
        "status": status,
        "timestamp": _time(dt.datetime.now(dt.UTC)),
        "message": message,
    }


def _status(batch: Batch) -> tuple[int, str]:
    if batch.stopped is not None:
        code: int = batch.stopped["code"]
        return code // 100, "error"
    if batch.state in (BatchState.REJECTED, BatchState.FAILED):
        return 422, "failure"
    if batch.state is not BatchState.COMMITTED:
        return 202, "accepted"
    if batch.invalid:
        return 207, "partial"
    return (201 if batch.action is Action.CREATE else 200), "success"


def _metadata(batch: Batch) -> Document:
    """Counts and indices; those of a batch that is being received are not known yet."""
    if batch.state is BatchState.RECEIVING or batch.received > MAX_INDICES:
        return _counts(batch)
    others = {*batch.invalid, *batch.dropped}
    valid = [index for index in range(batch.received) if index not in others]
    listed = _counts(batch) | {"validItems": valid, "invalidItems": batch.invalid}
    return listed | {"droppedItems": batch.dropped} if batch.options.repair else listed


def _short_metadata(batch: Batch) -> Document:
    """As a write is answered: a long list of indices is left to GET of the batch."""
    return _metadata(batch) if batch.received <= MAX_LISTED_ITEMS else _counts(batch)


def _counts(batch: Batch) -> Document:
    metadata: Document = {
        "batchId": str(batch.id),
        "receivedItemsCount": batch.received,
        "validItemsCount": batch.valid_count,
        "invalidItemsCount": batch.invalid_count,
    }
    if batch.options.repair:
        metadata |= _repair(batch) | {"droppedItemsCount": len(batch.dropped)}
    if batch.state is BatchState.COMMITTED:
        metadata |= {
            "created": batch.created,
            "updated": batch.updated,
            "deleted": batch.deleted,
        }
        if batch.unchanged is not None:
            metadata["unchanged"] = batch.unchanged
        outcomes = batch.outcomes
        listed = batch.options.representation and batch.received <= MAX_LISTED_ITEMS
        if outcomes is not None and listed:
            metadata["outcomes"] = [OUTCOME_LETTERS[letter] for letter in outcomes]
    return metadata


def _message(batch: Batch) -> str:
    bad = batch.invalid_count
    if batch.stopped is not None:
        if batch.stopped["code"] == LimitReached.error_code.code:
            return str(batch.stopped["message"])
        return f"The batch could not be committed{NOTHING_SAVED}"
    if batch.state in (BatchState.REJECTED, BatchState.FAILED):
        if batch.limit is not None:
            return (
                f"{bad} of {_items(batch.received)} {_are(bad)} invalid. {batch.limit['message']}"
            )
        return f"{bad} of {_items(batch.received)} {_are(bad)} invalid{NOTHING_SAVED}"
    if batch.state is not BatchState.COMMITTED:
        kept = batch.received - len(batch.dropped)
        return f"{_items(kept)} accepted; the batch is not yet committed"
    counts = {
        "created": batch.created,
        "updated": batch.updated,
        "deleted": batch.deleted,
        "unchanged": batch.unchanged,
    }
    done = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    if bad:
        done += f"; {bad} of {_items(batch.received)} {_are(bad)} invalid"
    if done and batch.options.representation and batch.data is None:
        done += "; the items as they were saved are not kept with the batch"
    return done or "There was nothing to save"


def _left_out(outcome: Outcome) -> str:
    """Where the failures are that an answer leaves out."""
    batch, shown = outcome.batch, len(outcome.failures)
    if not shown or shown >= batch.invalid_count:
        return ""
    return f"; the first {shown} failures are shown, all are at /v1/batches/{batch.id}/failures"


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _failure(failure: Failure, *, minimal: bool = False) -> Mapping[str, Any]:
    raw = {} if minimal else {"rawData": failure.raw}
    return raw | {"errors": [problem.document() for problem in failure.errors]}


def _time(moment: dt.datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
