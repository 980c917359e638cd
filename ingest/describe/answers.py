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
from ingest.formats.event_stream import event
from ingest.model import Action, Batch, BatchState, Failure, ItemError, Options, Outcome, Page
from ingest.resources.representation import Presenter
from ingest.resources.resource import Resource

_MOMENT = dt.datetime(2026, 11, 24, 12, 30, tzinfo=dt.UTC)
SHOWING = frozenset({"saved", "partial", "items", "item", "batch", "batches", "failures", "digest"})
"""The answers that may show items, batches or failures, and not only what became of a request."""
BAD_ITEM = "example"
"""What no collection takes as an item; but as a key, perhaps."""
_TIMESTAMP = "2026-11-24T12:30:00.000Z"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that an operation can give."""

    name: str
    answer: Answer
    schema: str
    """That of its document in the default dialect."""
    of: str = ""
    """What its examples are called after where other operations answer otherwise."""
    minimal: bool = False
    """Whether it is the answer to `Prefer: return=minimal`."""
    brief: "Said | None" = None
    """What is shown instead in formats and dialects where one example of the items is enough."""

    @property
    def of_items(self) -> bool:
        """Whether it is the answer of one operation alone."""
        return self.name in SHOWING and not self.minimal


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


def writes(
    resource: Resource, action: Action, example: Example | None, schema: str, of: str
) -> list[Said]:
    """All that a write to a collection can come to, but for errors.

    Args:
        schema: that of its success.
        of: what the examples that show items are called after.
    """
    presenter, of_action = ShownItems(resource), action.value
    of_bad = f"{of_action}.{resource.key.data_key}" if action is Action.DELETE else of_action
    committed = _committed(resource, action, example)
    short = Options(lenient=True, representation=False)
    minimal = replace(committed, options=short, data=None, outcomes=None)
    partial = replace(minimal, received=2, invalid_count=1, invalid=[1])
    accepted = replace(minimal, state=BatchState.ACCEPTED, finished_at=None)
    rejected = replace(partial, state=BatchState.REJECTED)
    bad = [_bad(action, resource.key.data_key)]

    def told(batch: Batch, failures: Sequence[Failure] = (), *, minimal: bool = False) -> Answer:
        return collection.written(Outcome(batch, [*failures]), presenter, minimal=minimal)

    brief = _said("saved", told(minimal, minimal=True), schema, of_action, minimal=True)
    saved = _said("saved", told(committed), schema, of)
    return [
        saved if action is Action.CREATE else replace(saved, brief=brief),
        _said("partial", told(partial, bad, minimal=True), schema, of_bad, minimal=True),
        _said("accepted", told(accepted), "AcceptedDocument", of_action),
        _said(INVALID_ITEMS, told(rejected, bad), "FailureDocument", of_bad),
        _said("dryRun", collection.dry_run(Outcome(committed)), "DryRunDocument", of_action),
    ]


def _bad(action: Action, key: str) -> Failure:
    """An item that no collection takes, as the second of a batch."""
    if action is Action.DELETE:
        return Failure(1, {}, [ItemError(REQUIRED, "Missing data for required field.", key)])
    problem = ItemError(WRONG_TYPE, "An item must be an object.", None, "This element is a string.")
    return Failure(1, BAD_ITEM, [problem])


BAD = _bad(Action.CREATE, "")
"""The failure of which examples are made."""


def events(resource: Resource, example: Example | None) -> str:
    """The one event of a batch that is finished."""
    document = collection.in_list(_committed(resource, Action.CREATE, example))
    return event("finished", document).decode()


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


def lists(resource: Resource, example: Example | None, schema: str, of: str) -> list[Said]:
    rows = [] if example is None else [dump_exact(example.shown)]
    page = Page(rows=rows, limit=100, offset=0, total=len(rows))
    answer = collection.listed(page, ShownItems(resource), resource.selection)
    return [_said("items", answer, schema, of)]


def items(resource: Resource, example: Example | None, schema: str, of: str) -> list[Said]:
    row = b"{}" if example is None else dump_exact(example.shown)
    answer = collection.item(row, ShownItems(resource), resource.selection)
    return [_said("item", answer, schema, of)]


def batch(resource: Resource, example: Example | None) -> list[Said]:
    found = Outcome(_committed(resource, Action.CREATE, example))
    answer = collection.batch(found, ShownItems(resource))
    return [_said("batch", answer, "BatchDocument", "getBatch")]


def batches(resource: Resource) -> list[Said]:
    answer = collection.listed_batches([_committed(resource, Action.CREATE, None)], 100, 0, 1)
    return [_said("batches", answer, "BatchesDocument", "listBatches")]


def failures(resource: Resource) -> list[Said]:
    """The failures of a batch of two items, of which one is invalid."""
    batch = replace(_committed(resource, Action.CREATE, None), received=2, invalid_count=1)
    failure = BAD
    problems = [each.document() for each in failure.errors]
    shown: Sequence[Any] = [{"index": 1, "rawData": failure.raw, "errors": problems}]
    answer = collection.failures(batch, shown)
    return [_said("failures", answer, "FailuresDocument", "getBatchFailures")]


def digest(resource: Resource) -> list[Said]:
    """The digest of the failures of a batch of two items, of which one is invalid."""
    batch = replace(_committed(resource, Action.CREATE, None), received=2, invalid_count=1)
    answer = collection.digest(batch, EXAMPLE)
    return [_said("digest", answer, "DigestDocument", "getBatchDigest")]


def _said(name: str, answer: Answer, schema: str, of: str = "", *, minimal: bool = False) -> Said:
    """The answer at a moment that is always the same."""
    for each in (answer, answer.stored):
        if each is not None:
            each.document["timestamp"] = _TIMESTAMP
    return Said(name, answer, schema, of, minimal)
