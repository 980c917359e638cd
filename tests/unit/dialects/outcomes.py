"""Outcomes and errors of every kind, for the dialects to tell."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from ingest.dialects import collection
from ingest.dialects.answer import Answer, Context
from ingest.errors import ErrorCode, LimitReached, NotPermitted, RequestError
from ingest.examples import contacts
from ingest.model import Action, Batch, BatchState, Failure, ItemError, Options, Outcome
from ingest.resources.representation import Presenter

ID = UUID("0193aaaa-0000-7000-8000-000000000001")
MOMENT = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)
CONTEXT = Context(collection="contacts", docs="https://api.example.com/docs/errors/")

_SAVED = b'[{"id":"1","email":"bo@example.com"}]'
_OWN: dict[type[RequestError], dict[str, Any]] = {
    NotPermitted: {"right": "contacts:create"},
    LimitReached: {"collection": "contacts", "maximum": 3, "left": 1},
}


def batch_of(state: BatchState, action: Action = Action.CREATE, **more: Any) -> Batch:
    """A batch of contacts, of one item if nothing else is said."""
    facts: dict[str, Any] = {
        "options": Options(),
        "received": 1,
        "invalid_count": len(more.get("invalid", ())),
        "invalid": [],
        "accepted_at": None,
        "finished_at": None,
    }
    return Batch(
        id=ID,
        account="acme",
        collection="contacts",
        action=action,
        state=state,
        created_at=MOMENT,
        **facts | more,
    )


def write(state: BatchState, action: Action = Action.CREATE, **more: Any) -> Answer:
    """The answer to a write whose batch has got so far."""
    return collection.written(Outcome(batch_of(state, action, **more)), Presenter(contacts))


def saved(action: Action = Action.CREATE) -> Answer:
    """The answer to a write that saved its one item."""
    return write(BatchState.COMMITTED, action, created=1, outcomes="c", data=_SAVED)


def refused(*codes: ErrorCode, state: BatchState = BatchState.REJECTED, **more: Any) -> Answer:
    """The answer to a strict write with one bad item for each code."""
    return collection.written(_failed(codes, state, len(codes), more), Presenter(contacts))


def partly(*codes: ErrorCode) -> Answer:
    """The answer to a lenient write of one good item and then a bad one for each code."""
    more = {"created": 1, "outcomes": "c", "data": _SAVED, "options": Options(lenient=True)}
    outcome = _failed(codes, BatchState.COMMITTED, len(codes) + 1, more, first=1)
    return collection.written(outcome, Presenter(contacts))


def _failed(
    codes: Sequence[ErrorCode],
    state: BatchState,
    received: int,
    more: dict[str, Any],
    first: int = 0,
) -> Outcome:
    failures = [
        Failure(index, {"email": "x"}, [ItemError(code, "It is bad.", "email")])
        for index, code in enumerate(codes, start=first)
    ]
    invalid = [failure.index for failure in failures]
    return Outcome(batch_of(state, received=received, invalid=invalid, **more), failures)


def problems() -> Iterator[RequestError]:
    """One of each error that a request as a whole can get, with `Retry-After` and without."""
    for each in _below(RequestError):
        for retry_after in (None, 2):
            own = _OWN.get(each, {})
            problem = each("It cannot be.", "Do something else.", **own)
            problem.retry_after = retry_after
            yield problem


def _below(base: type[RequestError]) -> Iterator[type[RequestError]]:
    for each in base.__subclasses__():
        yield each
        yield from _below(each)
