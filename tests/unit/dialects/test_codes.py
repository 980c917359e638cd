"""Every error in every dialect that is registered, against the tables of docs/dialects.md (X07)."""

import json
from typing import Any

import pytest

from ingest.dialects import DEFAULT, DIALECTS, PROBLEMS, collection
from ingest.dialects.answer import Answer, Dialect, Told
from ingest.errors import ITEM_CODES, InternalError, LimitReached, RequestError, UnknownDatabase
from ingest.formats.failure_files import HOLE, JsonWriter
from ingest.model import Action, BatchState, Failure, ItemError, Outcome
from tests.unit.dialects.outcomes import CONTEXT, batch_of, partly, problems, refused, saved, write
from tests.unit.dialects.tables import Cell, cell_of, expected_of, table

ALL = {"default": DEFAULT, **DIALECTS}


def _tell(dialect: Dialect, answer: Answer) -> Told:
    return dialect.tell(answer, CONTEXT)


def _steady(document: Any) -> Any:
    """A document without what differs from time to time."""
    return {key: value for key, value in document.items() if key != "timestamp"}


def _check(dialect: Dialect, answer: Answer, expected: Cell) -> None:
    status, code = expected
    told = _tell(dialect, answer)
    assert told.status == status
    assert told.document, "an error without a document"
    if code is not None:
        assert code in [each for each in told.document.values() if type(each) is int]
    for action in Action:
        assert _steady(told.document) != _steady(_tell(dialect, saved(action)).document)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "problem", [*problems()], ids=lambda each: f"{type(each).__name__}-{each.retry_after}"
)
def test_x07_every_error_of_a_request_has_an_answer(name: str, problem: RequestError) -> None:
    mark = ""
    if problem.error_code.code == 50301:
        mark = "with `Retry-After`" if problem.retry_after else "without"
    elif problem.error_code.code == 40402:
        mark = "by `db_id`" if isinstance(problem, UnknownDatabase) else "by name"
    expected = expected_of("error of a request", name, problem.error_code.code, mark)
    _check(ALL[name], collection.error(problem), expected)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("code", ITEM_CODES)
@pytest.mark.parametrize("state", [BatchState.REJECTED, BatchState.FAILED])
def test_x07_every_error_of_an_item_has_an_answer(name: str, code: int, state: BatchState) -> None:
    expected = expected_of("error of an item", name, code)
    _check(ALL[name], refused(ITEM_CODES[code], state=state), expected)
    _check(ALL[name], refused(ITEM_CODES[code], ITEM_CODES[code], state=state), expected)


@pytest.mark.parametrize("name", ALL)
def test_x07_items_that_differ_in_what_is_wrong_have_an_answer(name: str) -> None:
    for code in ITEM_CODES.values():
        for other in ITEM_CODES.values():
            told = _tell(ALL[name], refused(code, other))
            assert 200 <= told.status < 500
            assert told.document
            assert _tell(ALL[name], partly(code, other)).document


@pytest.mark.parametrize("name", ALL)
def test_x07_a_batch_that_failed_as_a_whole_is_answered_as_a_request_that_did(name: str) -> None:
    limit = LimitReached("Too many.", "Delete some.", collection="contacts", maximum=1, left=0)
    for problem in (limit, InternalError("It failed.")):
        expected = expected_of("error of a request", name, problem.error_code.code)
        failed = write(BatchState.FAILED, error=problem.document())
        _check(ALL[name], failed, expected)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("state", [BatchState.REJECTED, BatchState.FAILED])
def test_a_limit_beside_failures_is_told_and_changes_no_status(
    name: str, state: BatchState
) -> None:
    limit = LimitReached("It is full", "Delete some.", collection="contacts", maximum=1, left=0)
    plain = _tell(ALL[name], refused(ITEM_CODES[42204], state=state))
    told = _tell(ALL[name], refused(ITEM_CODES[42204], state=state, error=limit.document()))
    assert told.status == plain.status
    assert "It is full" in json.dumps(told.document)
    assert isinstance(told.document, dict)
    assert isinstance(plain.document, dict)
    texts = ("error", "error_text", "error_message", "message", "detail")
    for document in (told.document, plain.document):
        for each in ("timestamp", *texts):
            document.pop(each, None)
    assert told.document == plain.document


@pytest.mark.parametrize("name", ALL)
def test_a_dry_run_says_once_that_nothing_was_saved(name: str) -> None:
    full = LimitReached(
        "It is full; nothing was saved", "No.", collection="contacts", maximum=1, left=0
    ).document()
    failed = refused(ITEM_CODES[42204]).outcome
    conflicting = refused(ITEM_CODES[40903], state=BatchState.FAILED).outcome
    beside = refused(ITEM_CODES[42204], error=full).outcome
    stopped = Outcome(batch_of(BatchState.FAILED, error=full))
    fine = Outcome(batch_of(BatchState.COMMITTED, created=1))
    for outcome in (failed, conflicting, beside, stopped, fine):
        assert outcome is not None
        document = _tell(ALL[name], collection.dry_run(outcome)).document
        assert document is not None
        error = document.get("error")
        found = [*document.values(), *(error.values() if isinstance(error, dict) else ())]
        texts = {text for text in found if isinstance(text, str)}
        if outcome is beside:
            texts -= {full["message"]}  # of the limit's own document
        if name != "data" or outcome is not fine:  # which has no message where all is well
            assert " ".join(texts).count("nothing was saved") == 1, document


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("action", Action)
def test_what_was_saved_has_the_status_of_the_tables(name: str, action: Action) -> None:
    rows = dict(table("no error"))
    row = "POST saved all" if action is Action.CREATE else "PATCH, PUT, DELETE saved all; GET"
    status, _ = cell_of(rows[row][name], 0)
    assert _tell(ALL[name], saved(action)).status == status


@pytest.mark.parametrize("name", ALL)
def test_what_is_not_finished_is_not_taken_for_saved(name: str) -> None:
    accepted = write(BatchState.ACCEPTED)
    _check(ALL[name], accepted, cell_of(dict(table("no error"))["accepted, not finished"][name], 0))


@pytest.mark.parametrize("name", ALL)
def test_x12_all_failures_of_a_batch_have_a_place(name: str) -> None:
    batch = batch_of(BatchState.REJECTED, invalid=[0])
    document = _tell(ALL[name], collection.failures(batch, HOLE)).document
    writer = JsonWriter(document)
    failure = Failure(0, {"email": "x"}, [ItemError(ITEM_CODES[42204], "It is bad.", "email")])
    shown = json.loads(writer.head + writer.page([failure]) + writer.tail)
    assert '"code": 42204' in json.dumps(shown)


@pytest.mark.parametrize("named", PROBLEMS)
def test_x07_x13_every_error_is_a_problem(named: str | None) -> None:
    for problem in problems():
        told = _tell(PROBLEMS[named], collection.error(problem))
        assert told.document
        assert told.document["type"] == f"{CONTEXT.docs}{problem.error_code.name}"
        assert told.document["status"] == told.status
        other = _tell(DIALECTS[named] if named else DEFAULT, collection.error(problem))
        assert told.status == other.status
