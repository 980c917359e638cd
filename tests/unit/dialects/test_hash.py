"""The dialect `hash` (document 000) as a function: one answer in, one map out."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from ingest import errors
from ingest.dialects import collection
from ingest.dialects.answer import Answer, Context, Kind, Paging
from ingest.dialects.hash import ACCEPTED, DIALECT, tell
from ingest.errors import ITEM_CODES, BodyTooLarge, ErrorCode, RequestError
from ingest.model import Action, Batch, BatchState, Failure, ItemError, Options, Outcome
from ingest.resources.representation import Presenter

NOW = dt.datetime(2026, 11, 28, 19, 17, 55, 475000, tzinfo=dt.UTC)
ID = UUID("01a20000-0000-7000-8000-000000000001")
MEMBERS = {"timestamp", "status", "message", "data"}
MORE = {"tags", "statuses", "sales", "notifications"}


def batch(state: BatchState = BatchState.COMMITTED, **more: Any) -> Batch:
    values: dict[str, Any] = {
        "id": ID,
        "account": "acme",
        "collection": "contacts",
        "action": Action.CREATE,
        "options": Options(),
        "state": state,
        "received": 2,
        "invalid_count": len(more.get("invalid", ())),
        "invalid": [],
        "created_at": NOW,
        "accepted_at": NOW,
        "finished_at": NOW,
    }
    return Batch(**(values | more))


def failure(code: ErrorCode, index: int = 0) -> Failure:
    return Failure(index, {"email": "x"}, [ItemError(code, "It is bad.", "email")])


class Saved:
    """Shows the items of a batch as they are."""

    def items(self, data: bytes, _: Any) -> Any:
        return json.loads(data)


def written(outcome: Outcome, data: Any = None) -> Answer:
    """The answer to a write that saved these items."""
    kept = replace(outcome.batch, data=None if data is None else json.dumps(data).encode())
    presenter = cast("Presenter", Saved())
    return collection.written(replace(outcome, batch=kept), presenter)


def errors_of(base: type[RequestError] = RequestError) -> Iterator[type[RequestError]]:
    for each in base.__subclasses__():
        yield each
        yield from errors_of(each)


def made(kind: type[RequestError]) -> RequestError:
    """An error of a kind, without the arguments that only its own constructor knows."""
    error = kind.__new__(kind)
    RequestError.__init__(error, "It did not work", "Do it otherwise.")
    for name in ("right", "collection"):
        setattr(error, name, "contacts")
    for name in ("maximum", "left"):
        setattr(error, name, 0)
    return error


KINDS = sorted({*errors_of()}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_x07_h09_h10_h29_every_error_of_a_request_is_told_by_its_code(
    kind: type[RequestError],
) -> None:
    told = tell(collection.error(made(kind)), Context())
    assert told.document is not None
    assert told.document["status"] == kind.error_code.code
    assert told.document["message"] == "It did not work. Do it otherwise."
    assert set(told.document) == {"timestamp", "status", "message"}
    own = kind.error_code.code // 100
    assert told.status == (own if own in (429, 500, 503) else 200)


@pytest.mark.parametrize("code", ITEM_CODES.values(), ids=lambda code: code.name)
def test_x07_h09_h10_every_error_of_an_item_is_told_by_its_code(code: ErrorCode) -> None:
    bad = batch(BatchState.REJECTED, invalid=[0])
    told = tell(written(Outcome(bad, [failure(code)])), Context())
    assert told.document is not None
    assert (told.status, told.document["status"]) == (200, code.code)
    assert told.document["message"] == "1 of 2 items is invalid; nothing was saved"
    assert told.document["data"] == {
        "batch": str(ID),
        "received": 2,
        "valid": [1],
        "invalid": [0],
        "failures": [
            {
                "index": 0,
                "data": {"email": "x"},
                "errors": [
                    {
                        "type": code.type,
                        "code": code.code,
                        "name": code.name,
                        "message": "It is bad.",
                        "field": "email",
                    }
                ],
            }
        ],
    }


def test_h10_every_status_is_documented() -> None:
    docs = Path(__file__).parents[3] / "docs"
    codes = {*ITEM_CODES, *(kind.error_code.code for kind in KINDS)}
    listed = {int(code) for code in re.findall(r"\b\d{5}\b", (docs / "http.md").read_text())}
    named = {int(code) for code in re.findall(r"\b\d{5}\b", (docs / "dialects.md").read_text())}
    assert len(codes) > 30
    assert codes - listed - named == set()
    assert ACCEPTED in named


def test_h10_the_status_is_that_of_the_first_error_of_the_first_bad_item() -> None:
    both = Failure(0, {}, [ItemError(errors.REQUIRED, "a"), ItemError(errors.BAD_FORMAT, "b")])
    bad = batch(BatchState.REJECTED, invalid=[0, 1])
    told = tell(written(Outcome(bad, [both, failure(errors.DUPLICATE, 1)])), Context())
    assert told.document is not None
    assert told.document["status"] == 42201


def test_h09_a_failure_without_the_items_that_failed_is_not_0() -> None:
    told = tell(written(Outcome(batch(BatchState.FAILED, invalid=[0]))), Context())
    assert told.document is not None
    assert told.document["status"] == errors.INVALID.code


@pytest.mark.parametrize("action", Action)
def test_h09_h13_a_write_that_saved_all(action: Action) -> None:
    saved = [{"id": 1}, {"id": 2}]
    told = tell(written(Outcome(batch(action=action, created=2)), saved), Context())
    assert told.status == 200
    assert told.document is not None
    assert (told.document["status"], told.document["message"]) == (0, "2 created")
    assert told.document["data"] == {
        "batch": str(ID),
        "received": 2,
        "valid": [0, 1],
        "invalid": [],
        "contacts": saved,
    }


@pytest.mark.parametrize(
    "name", ["batch", "count", "failures", "invalid", "maxpage", "page", "received", "valid"]
)
def test_h13_items_of_a_collection_that_is_called_as_another_member_are_items(name: str) -> None:
    told = tell(written(Outcome(batch(collection=name)), [{"id": 1}]), Context())
    assert told.document is not None
    assert told.document["data"]["items"] == [{"id": 1}]
    document = {
        "result": "success",
        "timestamp": "t",
        "message": "m",
        "data": [{"id": 1}],
        "metadata": {"page": 3, "pagesCount": 4, "recordsPerPage": 2, "recordsCount": 7},
    }
    page = Answer(
        kind=Kind.LIST,
        status=200,
        document=document,
        paging=Paging(limit=2, offset=4, total=7),
    )
    told = tell(page, Context(collection=name))
    assert told.document is not None
    assert told.document["data"] == {"count": 7, "page": 3, "maxpage": 4, "items": [{"id": 1}]}


def test_h14_nothing_is_returned_where_the_client_prefers_it_so() -> None:
    told = tell(written(Outcome(batch(created=2))), Context(minimal=True))
    assert told.document is not None
    assert set(told.document) == {"timestamp", "status", "message"}
    # What failed is told all the same: else nothing could be corrected.
    bad = Outcome(batch(BatchState.REJECTED, invalid=[0]), [failure(errors.REQUIRED)])
    told = tell(written(bad), Context(minimal=True))
    assert told.document is not None
    assert len(told.document["data"]["failures"]) == 1


def test_h15_h17_h12_summaries_stand_at_the_top_also_without_data_and_empty() -> None:
    summaries = {"tags": [], "sales": [{"currency": "EUR", "count": 1, "value": "1.5"}]}
    given = Context(minimal=True, summaries={**summaries, "colours": []})
    told = tell(written(Outcome(batch(deleted=1))), given)
    assert told.document is not None
    assert set(told.document) == {"timestamp", "status", "message", "tags", "sales"}
    assert {name: told.document[name] for name in summaries} == summaries


@pytest.mark.parametrize(
    ("reached", "shown"),
    [
        ([], None),
        (["bookings_limit_reached"], None),
        (["contacts_list_full"], ["contacts_list_full"]),
        (["contacts_list_full", "contacts_list_full"], ["contacts_list_full"]),
        (["account_limit_reached"], ["deals_limit_reached", "contacts_list_full"]),
        (
            ["contacts_list_full", "too_many_contacts", "account_limit_reached"],
            ["deals_limit_reached", "contacts_list_full", "too_many_contacts"],
        ),
    ],
)
def test_h22_h23_notifications_are_three_names_or_absent(
    reached: list[str], shown: list[str] | None
) -> None:
    for answer in (written(Outcome(batch())), collection.error(BodyTooLarge("Too large"))):
        told = tell(answer, Context(notifications=reached))
        assert told.document is not None
        assert told.document.get("notifications") == shown
        assert set(told.document) <= MEMBERS | MORE


def test_x14_an_unfinished_batch_is_no_success_and_is_named() -> None:
    told = tell(written(Outcome(batch(BatchState.ACCEPTED))), Context(minimal=True))
    assert told.document is not None
    assert (told.status, told.document["status"]) == (200, 20200)
    assert str(ID) in told.document["message"]
    assert told.document["data"]["batch"] == str(ID)


def test_x15_what_was_saved_in_part_is_no_success_and_says_so() -> None:
    partial = batch(created=1, invalid=[0], options=Options(lenient=True))
    outcome = Outcome(partial, [failure(errors.BAD_FORMAT)])
    told = tell(written(outcome, [{"id": 2}]), Context(minimal=True))
    assert told.document is not None
    assert (told.status, told.document["status"]) == (200, 42204)
    assert told.document["message"] == "Saved in part: 1 created; 1 of 2 items is invalid"
    assert told.document["data"]["contacts"] == [{"id": 2}]
    assert told.document["data"]["failures"][0]["index"] == 0


def test_h29_an_error_of_the_service_in_a_batch_keeps_its_status() -> None:
    error = errors.InternalError("It broke").document()
    told = tell(written(Outcome(batch(BatchState.FAILED, error=error))), Context())
    assert told.document is not None
    assert (told.status, told.document["status"]) == (500, 50001)
    assert "data" not in told.document


def test_x12_a_batch_is_shown_with_its_answer_in_this_dialect() -> None:
    bad = Outcome(batch(BatchState.REJECTED, invalid=[0]), [failure(errors.BAD_FORMAT)])
    plain = collection.batch(bad, None)
    answer = Answer(kind=plain.kind, status=200, document=plain.document, stored=written(bad))
    told = tell(answer, Context(notifications=["contacts_list_full"]))
    assert told.document is not None
    assert told.document["status"] == 0
    data = told.document["data"]
    assert data["response"]["status"] == 200
    assert data["response"]["body"]["status"] == 42204
    assert "notifications" not in data["response"]["body"]
    assert data["failures"] == plain.document["data"]["failures"]
    unfinished = tell(collection.batch(Outcome(batch(BatchState.ACCEPTED)), None), Context())
    assert unfinished.document is not None
    assert unfinished.document["data"]["response"] is None


def test_h13_batches_are_listed_as_items_are() -> None:
    told = tell(collection.listed_batches([batch()], 1, 1, 2), Context())
    assert told.document is not None
    data = told.document["data"]
    assert (data["count"], data["page"], data["maxpage"]) == (2, 2, 2)
    assert [each["id"] for each in data["batches"]] == [str(ID)]


def test_h13_a_dry_run_has_no_batch() -> None:
    told = tell(collection.dry_run(Outcome(batch(created=2))), Context())
    assert told.document is not None
    assert told.document["data"] == {"received": 2, "valid": [0, 1], "invalid": []}


def test_x14_h05_what_the_dialect_asks_of_the_server() -> None:
    assert not DIALECT.knows_accepted
    assert DIALECT.waits
    assert (DIALECT.path, DIALECT.is_alias) == ("/api/", True)
