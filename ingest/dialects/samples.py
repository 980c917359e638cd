"""Answers as each error makes them, to be shown in the documentation of errors."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ingest.dialects import collection
from ingest.dialects.answer import Answer
from ingest.error_help import HELP
from ingest.errors import (
    BAD_FORMAT,
    INVALID_ITEMS,
    ITEM_CODES,
    REQUIRED,
    ErrorCode,
    InProgress,
    LimitReached,
    NotPermitted,
    RateLimited,
    RequestError,
    Unavailable,
    request_errors,
)
from ingest.model import Action, Batch, BatchState, Failure, ItemError, Options, Outcome
from ingest.resources.representation import Presenter

_BATCH = UUID("01933b2e-7c00-7000-8000-000000000000")
_MORE: Mapping[type[RequestError], Mapping[str, Any]] = {
    NotPermitted: {"right": "create"},
    InProgress: {"retry_after": 1},
    RateLimited: {"retry_after": 1},
    Unavailable: {"retry_after": 5},
    LimitReached: {"collection": "contacts", "maximum": 10, "left": 0},
}


def samples(name: str, presenter: Presenter) -> dict[str, Answer]:
    """What an error looks like in the default dialect, by what it is an error of."""
    found = dict[str, Answer]()
    for code, of_request in request_errors().items():
        if code.name == name:
            found["the request"] = collection.error(
                of_request(*HELP[name], **_MORE.get(of_request, {}))
            )
    for code in ITEM_CODES.values():
        if code.name == name:
            found["an item"] = collection.written(_refused(_error(code)), presenter)
    if name == INVALID_ITEMS:
        errors = (_error(BAD_FORMAT), _error(REQUIRED))
        found["items"] = collection.written(_refused(*errors), presenter)
    return found


def _error(code: ErrorCode) -> ItemError:
    field = "email" if code.type == "validation" else None
    return ItemError(code, HELP[code.name].meaning, field)


def _refused(*errors: ItemError) -> Outcome:
    """A batch of one item that has these errors."""
    now = dt.datetime.now(dt.UTC)
    batch = Batch(
        id=_BATCH,
        account="",
        collection="contacts",
        action=Action.UPDATE,
        options=Options(),
        state=BatchState.REJECTED,
        received=1,
        invalid_count=1,
        invalid=[0],
        created_at=now,
        accepted_at=None,
        finished_at=now,
    )
    return Outcome(batch, [Failure(0, {"email": "x"}, errors)])
