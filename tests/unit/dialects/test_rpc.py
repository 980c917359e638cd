"""Document 001: an outcome as an error, its text, and which profile it was about."""

from dataclasses import replace
from uuid import UUID

import pytest

from ingest.dialects import collection
from ingest.dialects.rpc import CODES, DIALECT, tell
from ingest.errors import (
    BAD_FORMAT,
    DUPLICATE,
    ITEM_CODES,
    OUT_OF_RANGE,
    Replayed,
    RequestError,
    UnknownDatabase,
)
from ingest.examples import contacts
from ingest.model import BatchState, Failure, ItemError, Outcome
from ingest.resources.representation import Presenter
from tests.unit.dialects.outcomes import (
    CONTEXT,
    ID,
    batch_of,
    partly,
    problems,
    refused,
    saved,
    write,
)

ONE = replace(CONTEXT, single=True)
LISTED = {0, 400, 401, 402, 403, 404, 409, 413, 415, 435, 441, 450, 500, 501}
SUCCESS = {"error": 0, "error_text": "Successful operation"}


def test_r18_r23_one_profile_was_saved() -> None:
    told = tell(saved(), ONE)
    assert (told.status, told.document) == (200, SUCCESS | {"profile_id": "1"})


def test_r22_one_item_of_a_batch_was_saved() -> None:
    one = SUCCESS | {"profile_id": "1"}
    assert tell(saved(), CONTEXT).document == one | {"result": [one]}


def test_r36_x07_every_code_has_a_number_of_the_list() -> None:
    for problem in problems():
        told = tell(collection.error(problem), ONE)
        assert told.document is not None
        assert told.document["error"] in LISTED - {0}
        assert set(told.document) == {"error", "error_text"}
    assert set(ITEM_CODES) <= set(CODES)
    assert set(CODES.values()) < LISTED
    assert {each.error_code.code for each in RequestError.__subclasses__()} <= set(CODES)


def test_r12_an_unknown_number_is_no_unknown_method() -> None:
    told = tell(collection.error(UnknownDatabase("There is no database 9")), ONE)
    assert told.document == {"error": 413, "error_text": "There is no database 9"}


def test_r41_a_repetition_names_the_batch() -> None:
    batch = UUID(int=5)
    told = tell(collection.error(Replayed("Used.", "Look there.", batch_id=batch)), ONE)
    text = f"Repeated request: it was accepted as batch {batch} and is not applied again"
    assert told.document == {"error": 409, "error_text": text}


@pytest.mark.parametrize("state", [BatchState.REJECTED, BatchState.FAILED])
def test_r22_all_items_have_their_own_error(state: BatchState) -> None:
    told = tell(refused(DUPLICATE, DUPLICATE, state=state), CONTEXT).document
    assert told is not None
    assert told["error"] == 409
    assert [each["error"] for each in told["result"]] == [409, 409]
    mixed = tell(refused(DUPLICATE, BAD_FORMAT, state=state), CONTEXT).document
    assert mixed is not None
    assert (mixed["error"], [each["error"] for each in mixed["result"]]) == (450, [409, 450])


def test_r22_r36_failures_that_are_not_shown_have_the_error_of_those_that_are() -> None:
    answer = refused(DUPLICATE, DUPLICATE)
    assert answer.outcome is not None
    shown = replace(answer.outcome, failures=answer.failures[:1])
    told = tell(replace(answer, outcome=shown), CONTEXT).document
    assert told is not None
    assert (told["error"], [each["error"] for each in told["result"]]) == (409, [409, 409])
    assert told["result"][1]["error_text"].endswith("/failures")


def test_x15_lenient() -> None:
    told = tell(partly(DUPLICATE), CONTEXT).document
    assert told is not None
    assert told["error"] == 409
    assert told["result"][0] == SUCCESS | {"profile_id": "1"}
    assert told["result"][1]["error"] == 409
    assert "profile_id" not in told


def test_r34_the_text_is_every_error_of_the_item() -> None:
    errors = [
        ItemError(BAD_FORMAT, "Not a valid email address.", "email"),
        ItemError(OUT_OF_RANGE, "Too old.", "age"),
    ]
    batch = batch_of(BatchState.REJECTED, invalid=[0])
    outcome = Outcome(batch, [Failure(0, {}, errors)])
    told = tell(collection.written(outcome, Presenter(contacts)), ONE)
    text = "email: Not a valid email address; age: Too old."
    assert told.document == {"error": 450, "error_text": text}


def test_x14_an_unfinished_batch_is_no_success() -> None:
    told = tell(write(BatchState.ACCEPTED), ONE)
    assert told.status == 500
    assert told.document is not None
    assert told.document["error"] == 500
    assert str(ID) in told.document["error_text"]
    assert not DIALECT.knows_accepted
