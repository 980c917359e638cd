"""Dialect `status` as a pure function: document 002, sentence by sentence."""

import dataclasses
import datetime as dt
import re
from typing import Any
from uuid import uuid4

import pytest

from ingest.dialects import DEFAULT, collection
from ingest.dialects.answer import Answer, Context, Format, Told
from ingest.dialects.status import DIALECT, status_of, tell
from ingest.error_help import HELP
from ingest.errors import (
    AMBIGUOUS_MATCH,
    BAD_FORMAT,
    DUPLICATE,
    ITEM_CODES,
    ITEM_NOT_FOUND,
    OTHER_GROUP,
    REQUIRED,
    VERSION_MISMATCH,
    ErrorCode,
    LimitReached,
    TokenInvalid,
    Unavailable,
    request_errors,
)
from ingest.examples import contacts
from ingest.model import Action, Batch, BatchState, Failure, ItemError, Options, Outcome
from ingest.resources.representation import Presenter

DOCS = "https://api.example.com/docs/errors/"
NOW = dt.datetime(2026, 11, 28, 19, 17, 55, 475_000, tzinfo=dt.UTC)
ERRORS = {"error_name", "error_message", "more_info"}
REQUEST_CODES = {code.code: code for code in request_errors()}
CODES = REQUEST_CODES | ITEM_CODES
TABLE = {
    200: set[int](),
    400: {
        *(40001, 40002, 40003, 40004, 40005, 40501, 40801, 41301, 41302, 41501, 41502, 42220),
        50101,
        *range(42201, 42211),
    },
    401: {40101, 40102},
    403: {40301, 40302, 44101},
    404: {40401, 40402, 40403, 40404},
    409: {40901, 40902, 40903, 40904, 40905, 40906, 41201, 41202, 42901, 43501},
    500: {50001, 50301},
}
"""The codes by their status, as the assertions S11 to S17 name them."""


def written(*failures: Failure, **changes: Any) -> Answer:
    batch = Batch(
        id=uuid4(),
        account="acme",
        collection="contacts",
        action=Action.CREATE,
        options=Options(),
        state=BatchState.REJECTED if failures else BatchState.COMMITTED,
        received=3,
        invalid_count=len(failures),
        invalid=[each.index for each in failures],
        created_at=NOW,
        accepted_at=NOW,
        finished_at=NOW,
    )
    outcome = Outcome(dataclasses.replace(batch, **changes), failures)
    return collection.written(outcome, Presenter(contacts))


def failure(index: int, *codes: ErrorCode) -> Failure:
    errors = [ItemError(code, f"It is {code.name}", "email") for code in codes]
    return Failure(index, {"email": "x"}, errors)


def told(answer: Answer, **context: Any) -> tuple[int, dict[str, Any]]:
    found = tell(answer, Context(docs=DOCS, **context))
    assert found.document is not None
    assert found.document["status"] == found.status
    assert found.document["timestamp"] == answer.document["timestamp"]
    return found.status, found.document


def test_s02_the_dialect_wants_an_extension() -> None:
    assert DIALECT.format is Format.EXTENSION
    assert DIALECT.knows_accepted
    assert DIALECT.waits


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.name)
def test_s09_s11_to_s17_every_code_has_a_status_of_the_closed_list(code: ErrorCode) -> None:
    status = status_of(code.code)
    assert code.code in TABLE[status]
    assert code.name in HELP


def test_a_class_of_codes_without_a_status_is_an_error() -> None:
    with pytest.raises(KeyError):
        status_of(41801)


def test_s07_s08_s10_a_success_is_200_and_has_no_error() -> None:
    answer = written(created=3, data=b"[]")
    assert answer.status == 201
    status, document = told(answer)
    assert status == 200
    assert document.keys() == {"status", "timestamp", "message", "metadata", "data"}
    assert document["message"] == "3 created"
    assert document["metadata"] == answer.document["metadata"]


def test_s08_notifications_and_summaries_are_as_in_the_default_dialect() -> None:
    context = {"notifications": ["contacts_list_full"], "summaries": {"tags": []}}
    _, document = told(written(created=3), **context)
    assert document["notifications"] == ["contacts_list_full"]
    assert document["tags"] == []


def test_s20_s22_s24_an_error_of_the_request() -> None:
    status, document = told(collection.error(TokenInvalid("The token is not known", "Get one.")))
    assert status == 401
    assert document.keys() == {"status", "timestamp", *ERRORS}
    assert document["error_name"] == "token_invalid"
    assert document["error_message"] == "The token is not known. Get one."
    assert document["more_info"] == f"{DOCS}token_invalid"


def test_s21_an_error_of_the_service_has_the_three_too() -> None:
    status, document = told(collection.error(Unavailable("The database does not answer")))
    assert (status, document["error_name"]) == (500, "unavailable")
    assert document["error_message"] == "The database does not answer."
    assert document["more_info"] == f"{DOCS}unavailable"


def test_s13_a_batch_that_a_limit_has_stopped() -> None:
    error = LimitReached("No room", "Delete.", collection="contacts", maximum=2, left=0)
    status, document = told(written(state=BatchState.FAILED, error=error.document()))
    assert (status, document["error_name"]) == (403, "limit_reached")
    assert "error" not in document
    assert document["metadata"]["receivedItemsCount"] == 3


@pytest.mark.parametrize(
    ("codes", "status", "name"),
    [
        ([BAD_FORMAT], 400, "bad_format"),
        ([BAD_FORMAT, REQUIRED], 400, "invalid_items"),
        ([ITEM_NOT_FOUND, ITEM_NOT_FOUND], 404, "item_not_found"),
        ([ITEM_NOT_FOUND, BAD_FORMAT], 400, "invalid_items"),
        ([ITEM_NOT_FOUND, DUPLICATE], 400, "invalid_items"),
        ([DUPLICATE], 409, "duplicate"),
        ([DUPLICATE, VERSION_MISMATCH, AMBIGUOUS_MATCH], 409, "invalid_items"),
        ([OTHER_GROUP], 403, "other_group"),
        ([OTHER_GROUP, ITEM_NOT_FOUND], 400, "invalid_items"),
    ],
)
def test_s11_s13_to_s15_s18_s22_one_status_and_name_for_a_batch(
    codes: list[ErrorCode], status: int, name: str
) -> None:
    apart = told(written(*(failure(index, code) for index, code in enumerate(codes))))
    together = told(written(failure(0, *codes)))
    for found, document in (apart, together):
        assert (found, document["error_name"]) == (status, name)
        assert re.fullmatch("[a-z_]+", document["error_name"])
        assert document["more_info"] == f"{DOCS}{name}"


def test_s24_the_message_has_the_place_of_the_first_bad_item() -> None:
    _, document = told(written(failure(2, REQUIRED)))
    assert document["error_message"] == "Item 2, email: It is required."
    whole = Failure(1, 7, [ItemError(REQUIRED, "No object.", None, "Send one")])
    assert told(written(whole))[1]["error_message"] == "Item 1: No object. Send one."


def test_s26_failures_and_metadata_are_as_in_the_default_dialect() -> None:
    answer = written(failure(1, BAD_FORMAT))
    _, document = told(answer)
    assert document.keys() == {"status", "timestamp", "metadata", "failures", *ERRORS}
    assert document["failures"] == answer.document["failures"]
    assert document["metadata"] == answer.document["metadata"]


def test_x14_an_unfinished_batch_is_202() -> None:
    status, document = told(written(state=BatchState.ACCEPTED))
    assert status == 202
    assert not ERRORS & document.keys()


def test_x15_a_lenient_batch_is_200_with_failures_beside_data() -> None:
    bad = failure(1, BAD_FORMAT)
    answer = written(bad, state=BatchState.COMMITTED, created=2, data=b"[]")
    status, document = told(answer)
    assert status == 200
    assert document["data"] is answer.document["data"]
    assert len(document["failures"]) == 1
    assert not ERRORS & document.keys()


def test_x12_a_batch_is_shown_with_the_answer_that_this_dialect_gives() -> None:
    stored = written(failure(0, BAD_FORMAT))
    assert stored.outcome is not None
    status, document = told(collection.batch(stored.outcome, Presenter(contacts)))
    assert status == 200
    assert not ERRORS & document.keys()
    response = document["data"]["response"]
    assert response["status"] == 400
    assert response["body"]["error_name"] == "bad_format"


def test_what_the_default_dialect_says_is_not_changed() -> None:
    answer = written(failure(0, BAD_FORMAT))
    before = dict(answer.document)
    told(answer, notifications=["contacts_list_full"])
    assert answer.document == before
    assert DEFAULT.tell(answer, Context()) == Told(422, before)
