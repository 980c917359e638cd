"""The dialect `hash` (document 000) as a function: one answer in, one map out."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ingest import errors
from ingest.dialects import collection
from ingest.dialects.answer import Answer, Context, Kind, Paging
from ingest.dialects.hash import ACCEPTED, DIALECT, tell
from ingest.errors import ITEM_CODES, BodyTooLarge, ErrorCode, RequestError
from ingest.model import Action, Batch, BatchState, Failure, ItemError, Options, Outcome
from ingest.resources.representation import Presenter
from tests.unit.dialects.outcomes import ID, batch_of, problems

MEMBERS = {"timestamp", "status", "message", "data"}
MORE = {"tags", "statuses", "sales", "notifications"}


def batch(state: BatchState = BatchState.COMMITTED, **more: Any) -> Batch:
    """A batch of two items."""
    return batch_of(state, **{"received": 2, "invalid": [], **more})


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


@pytest.mark.parametrize("problem", [*problems()], ids=lambda problem: type(problem).__name__)
def test_x07_h09_h10_h29_every_error_of_a_request_is_told_by_its_code(
    problem: RequestError,
) -> None:
    told = tell(collection.error(problem), Context())
    assert told.document is not None
    code = problem.error_code.code
    assert told.document["status"] == code
    assert told.document["message"] == f"{problem.message}. {problem.description}"
    assert set(told.document) == {"timestamp", "status", "message"}
    assert told.status == (code // 100 if code // 100 in (429, 500, 501, 503) else 200)


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
    codes = {*ITEM_CODES, *(each.error_code.code for each in problems())}
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
    of_name = replace(batch(created=2), collection=name)
    told = tell(written(Outcome(of_name), [{"id": 1}]), Context())
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


def test_h11_a_message_that_quotes_the_request_is_no_html() -> None:
    quoted = errors.UnknownCollection("There is no collection '<b>'", "Served here: <none>.")
    told = tell(collection.error(quoted), Context())
    assert told.document is not None
    assert told.document["message"] == "There is no collection '[b]'. Served here: [none]."


def test_x12_h12_the_failures_of_a_batch_are_inside_data() -> None:
    told = tell(collection.failures(batch(BatchState.REJECTED, invalid=[0]), []), Context())
    assert told.document is not None
    assert set(told.document) == MEMBERS
    assert told.document["status"] == 0
    assert told.document["data"] == {"batch": str(ID), "received": 2, "failures": []}


def test_x14_h05_what_the_dialect_asks_of_the_server() -> None:
    assert not DIALECT.knows_accepted
    assert DIALECT.waits
    assert (DIALECT.path, DIALECT.is_alias) == ("/api/", True)
