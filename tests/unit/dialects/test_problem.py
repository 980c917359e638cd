"""Problem details (RFC 9457) as pure functions."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from ingest.dialects import PROBLEMS, collection
from ingest.dialects.answer import Answer, Context
from ingest.errors import BAD_FORMAT, DUPLICATE, REQUIRED, InProgress
from ingest.examples import contacts
from ingest.model import BatchState, Failure, ItemError, Outcome
from ingest.resources.representation import Presenter
from tests.unit.dialects.outcomes import CONTEXT, ID, batch_of, partly, refused, saved

PROBLEM, NAMED = PROBLEMS[None], PROBLEMS["collection"]


def problem(answer: Answer, context: Context = CONTEXT) -> dict[str, Any]:
    told = PROBLEM.tell(answer, context)
    assert told.media_type == "application/problem+json"
    assert told.document is not None
    return told.document


def test_x13_an_error_is_a_problem() -> None:
    error = InProgress("The key is in use", "Send the request again.", retry_after=1)
    assert problem(collection.error(error)) == {
        "type": "https://api.example.com/docs/errors/idempotency_in_progress",
        "title": "Idempotency in progress",
        "status": 409,
        "detail": "The key is in use. Send the request again.",
        "error": {
            "type": "client",
            "code": 40902,
            "name": "idempotency_in_progress",
            "message": "The key is in use",
            "description": "Send the request again.",
        },
    }
    told = NAMED.tell(collection.error(error), CONTEXT)
    assert (told.status, (told.document or {})["status"]) == (422, 422)


def test_x13_a_failure_lists_each_error_by_its_pointer() -> None:
    document = problem(refused(BAD_FORMAT, REQUIRED))
    assert (document["status"], document["instance"]) == (422, f"/v1/batches/{ID}")
    assert document["type"] == "https://api.example.com/docs/errors/invalid_items"
    assert document["errors"][1] == {
        "detail": "It is bad.",
        "pointer": "#/1/email",
        "type": "validation",
        "code": 42201,
        "name": "required",
        "message": "It is bad.",
        "field": "email",
    }
    assert document["metadata"]["invalidItems"] == [0, 1]


@pytest.mark.parametrize(
    ("field", "pointer"),
    [
        (None, "#/0"),
        ("email", "#/0/email"),
        ("tags.1", "#/0/tags/1"),
        ("a/b", "#/0/a~1b"),
        ("a~b", "#/0/a~0b"),
        ("the text", "#/0/the%20text"),
        ("größe", "#/0/gr%C3%B6%C3%9Fe"),
    ],
)
def test_x13_a_pointer_is_one_of_rfc_6901(field: str | None, pointer: str) -> None:
    failure = Failure(0, {}, [ItemError(BAD_FORMAT, "It is bad.", field)])
    batch = batch_of(BatchState.REJECTED, invalid=[0])
    answer = collection.written(Outcome(batch, [failure]), Presenter(contacts))
    assert [each["pointer"] for each in problem(answer)["errors"]] == [pointer]
    single = problem(answer, replace(CONTEXT, single=True))
    assert [each["pointer"] for each in single["errors"]] == [pointer.replace("/0", "", 1)]


@pytest.mark.parametrize("raw", [{"a.b": 1}, orjson.Fragment(b'{"a.b": 1}')])
def test_x13_a_name_with_dots_is_one_step_of_a_pointer(raw: Any) -> None:
    failure = Failure(0, raw, [ItemError(BAD_FORMAT, "It is bad.", "a.b")])
    batch = batch_of(BatchState.REJECTED, invalid=[0])
    answer = collection.written(Outcome(batch, [failure]), Presenter(contacts))
    assert [each["pointer"] for each in problem(answer)["errors"]] == ["#/0/a.b"]


def test_x13_summaries_are_kept() -> None:
    context = replace(CONTEXT, summaries={"tags": [], "detail": []})
    shown = problem(refused(BAD_FORMAT), context)
    assert (shown["tags"], type(shown["detail"])) == ([], str)


def test_x13_what_is_saved_is_no_problem() -> None:
    for answer in (saved(), partly(BAD_FORMAT)):
        told = PROBLEM.tell(answer, CONTEXT)
        assert (told.status, told.document, told.media_type) == (
            answer.status,
            answer.document,
            None,
        )
        assert NAMED.tell(answer, CONTEXT).status == 200


def test_x13_notifications_are_kept() -> None:
    context = replace(CONTEXT, notifications=["contacts_list_full"])
    assert problem(refused(BAD_FORMAT), context)["notifications"] == ["contacts_list_full"]


@pytest.mark.parametrize(
    ("raw", "field", "pointer"),
    [
        (orjson.Fragment(b'{"row": "A"}'), "row", "#/0/row"),
        ({"row": "A", "place": 1}, "row,place", "#/0"),
        ("A1", "code", "#/0"),
        (orjson.Fragment(b'"A1"'), "code", "#/0"),
    ],
)
def test_x13_a_pointer_ends_at_the_item_where_no_field_is_in_the_body(
    raw: Any, field: str, pointer: str
) -> None:
    failure = Failure(0, raw, [ItemError(DUPLICATE, "It is taken.", field)])
    batch = batch_of(BatchState.REJECTED, invalid=[0])
    answer = collection.written(Outcome(batch, [failure]), Presenter(contacts))
    assert [each["pointer"] for each in problem(answer)["errors"]] == [pointer]
