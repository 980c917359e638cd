"""What the service answers: documents as it makes them itself, for an item that is an example."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson

from ingest.describe.digest import EXAMPLE
from ingest.describe.examples import BATCH, Example
from ingest.dialects import collection
from ingest.dialects.answer import Answer
from ingest.dialects.samples import samples
from ingest.errors import INVALID_ITEMS, REQUIRED, WRONG_TYPE, request_errors
from ingest.exactjson import dump_exact
from ingest.model import Action, Batch, BatchState, Failure, ItemError, Options, Outcome, Page
from ingest.resources.representation import Presenter
from ingest.resources.resource import Resource

_MOMENT = dt.datetime(2026, 11, 24, 12, 30, tzinfo=dt.UTC)
_SHOWING = frozenset(
    {"saved", "partial", "items", "item", "batch", "batches", "failures", "digest"}
)
BAD_ITEM = "example"
_TIMESTAMP = "2026-11-24T12:30:00.000Z"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that an operation can give."""

    name: str
    answer: Answer
    schema: str
    """That of its document in the default dialect."""

    @property
    def of_items(self) -> bool:
        """Whether it shows items, batches or failures, and not only what became of a request."""
        return self.name in _SHOWING


class ShownItems(Presenter):
    """Takes items as they are shown where rows are expected: examples are stored nowhere."""

    def item(self, row: bytes, select: Any) -> Any:
        return orjson.Fragment(row)

    def items(self, rows: bytes, select: Any) -> Any:
        return orjson.Fragment(rows)

    def keys(self, rows: bytes) -> list[str]:
        key = self._resource.key.data_key
        return [str(item[key]) for item in orjson.loads(rows) if key in item]


def errors(presenter: Presenter) -> Mapping[str, Said]:
    """The errors of requests as a whole, by name.

    Args:
        presenter: any one; what it shows is in none of them.
    """
    return {
        code.name: _said(code.name, samples(code.name, presenter)["the request"], "ErrorDocument")
        for code in request_errors()
    }


def writes(resource: Resource, action: Action, example: Example | None, schema: str) -> list[Said]:
    """All that a write to a collection can come to, but for errors.

    Args:
        schema: that of its success.
    """
    presenter = ShownItems(resource)
    committed = _committed(resource, action, example)
    bad = _bad(resource, action)
    partial = replace(committed, received=2, invalid_count=1, invalid=[1])
    state = BatchState.ACCEPTED
    accepted = replace(committed, state=state, data=None, outcomes=None, finished_at=None)
    rejected = replace(partial, state=BatchState.REJECTED, data=None, outcomes=None)
    found = [
        ("saved", collection.written(Outcome(committed), presenter), schema),
        ("partial", collection.written(Outcome(partial, [bad]), presenter), schema),
        ("accepted", collection.written(Outcome(accepted), presenter), "AcceptedDocument"),
        (INVALID_ITEMS, collection.written(Outcome(rejected, [bad]), presenter), "FailureDocument"),
        ("dryRun", collection.dry_run(Outcome(committed)), "DryRunDocument"),
    ]
    return [_said(name, answer, schema) for name, answer, schema in found]


def _bad(resource: Resource, action: Action) -> Failure:
    """An item that no schema takes, as the second of a batch."""
    if action is Action.DELETE:
        key = resource.key.data_key
        return Failure(1, {}, [ItemError(REQUIRED, "Missing data for required field.", key)])
    problem = ItemError(WRONG_TYPE, "An item must be an object.", None, "This element is a string.")
    return Failure(1, BAD_ITEM, [problem])


_LETTERS: Mapping[Action, str] = {Action.CREATE: "c", Action.UPDATE: "u", Action.DELETE: "d"}


def _committed(resource: Resource, action: Action, example: Example | None) -> Batch:
    shown = [] if example is None else [example.shown]
    return Batch(
        id=UUID(BATCH),
        account="",
        collection=resource.name,
        action=action,
        options=Options(lenient=True),
        state=BatchState.COMMITTED,
        received=1,
        invalid_count=0,
        invalid=[],
        created_at=_MOMENT,
        accepted_at=_MOMENT,
        finished_at=_MOMENT,
        created=int(action is Action.CREATE),
        updated=int(action is Action.UPDATE),
        deleted=int(action is Action.DELETE),
        outcomes=_LETTERS[action],
        data=dump_exact(shown),
    )


def lists(resource: Resource, example: Example | None, schema: str) -> list[Said]:
    rows = [] if example is None else [dump_exact(example.shown)]
    page = Page(rows=rows, limit=100, offset=0, total=len(rows))
    answer = collection.listed(page, ShownItems(resource), resource.selection)
    return [_said("items", answer, schema)]


def items(resource: Resource, example: Example | None, schema: str) -> list[Said]:
    if example is None:
        return [_said("item", _empty_item(resource), schema)]
    row = dump_exact(example.shown)
    return [_said("item", collection.item(row, ShownItems(resource), resource.selection), schema)]


def _empty_item(resource: Resource) -> Answer:
    return collection.item(b"{}", ShownItems(resource), resource.selection)


def batch(resource: Resource, example: Example | None) -> list[Said]:
    found = Outcome(_committed(resource, Action.CREATE, example))
    return [_said("batch", collection.batch(found, ShownItems(resource)), "BatchDocument")]


def batches(resource: Resource) -> list[Said]:
    answer = collection.listed_batches([_committed(resource, Action.CREATE, None)], 100, 0, 1)
    return [_said("batches", answer, "BatchesDocument")]


def failures(resource: Resource) -> list[Said]:
    """The failures of a batch of two items, of which one is invalid."""
    batch = replace(_committed(resource, Action.CREATE, None), received=2, invalid_count=1)
    failure = _bad(resource, Action.CREATE)
    problems = [each.document() for each in failure.errors]
    shown: Sequence[Any] = [{"index": 1, "rawData": failure.raw, "errors": problems}]
    return [_said("failures", collection.failures(batch, shown), "FailuresDocument")]


def digest(resource: Resource) -> list[Said]:
    """The digest of the failures of a batch of two items, of which one is invalid."""
    batch = replace(_committed(resource, Action.CREATE, None), received=2, invalid_count=1)
    return [_said("digest", collection.digest(batch, EXAMPLE), "DigestDocument")]


def _said(name: str, answer: Answer, schema: str) -> Said:
    """The answer at a moment that is always the same."""
    for each in (answer, answer.stored):
        if each is not None:
            each.document["timestamp"] = _TIMESTAMP
    return Said(name, answer, schema)
