"""Document 004 as a function: every outcome and every error in its shape, with its statuses."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from ingest import errors
from ingest.dialects import collection
from ingest.dialects.answer import Answer, Context
from ingest.dialects.data import DIALECT, STATUSES, tell
from ingest.errors import ITEM_CODES, ErrorCode, LimitReached, RequestError
from ingest.examples import contacts
from ingest.model import (
    EVERY_FIELD,
    Action,
    BatchState,
    Failure,
    ItemError,
    Options,
    Outcome,
    Page,
)
from ingest.resources.representation import Presenter
from tests.unit.dialects.outcomes import ID, batch_of, partly, problems, refused, saved, write

ROWS = b'[{"id":"a","weight":0.10000000000000000001},{"id":"b"}]'
ITEM = {"id": "1", "email": "bo@example.com"}
PRESENTER = Presenter(contacts)
ONE = Context(single=True)
MANY = Context()
CLOSED = {200, 201, 400, 401, 403, 429, 500}


def _told(answer: Answer, context: Context = MANY) -> tuple[int, dict[str, Any]]:
    """The status and the document, as a client reads it."""
    told = tell(answer, context)
    return told.status, orjson.loads(orjson.dumps(told.document))


def test_d17_d18_d20_x07_every_code_has_a_status_of_the_closed_list() -> None:
    assert set(ITEM_CODES) | {each.error_code.code for each in problems()} == set(STATUSES)
    assert set(STATUSES.values()) <= CLOSED


@pytest.mark.parametrize(
    "problem", [*problems()], ids=lambda each: f"{type(each).__name__}-{each.retry_after}"
)
def test_d20_d21_every_error_has_null_data_and_its_code(problem: RequestError) -> None:
    status, document = _told(collection.error(problem), ONE)
    assert status in CLOSED
    assert document == {"data": None, "error": problem.document()}
    assert document["error"].keys() >= {"type", "code", "name", "message"}


@pytest.mark.parametrize(
    ("kind", "retry_after", "status"),
    [
        (errors.TokenRequired, None, 401),
        (errors.TokenInvalid, None, 403),
        (errors.RateLimited, 3, 429),
        (errors.InProgress, 1, 429),
        (errors.Overloaded, 2, 429),
        (errors.Unavailable, None, 500),
        (errors.OutcomeUnknown, None, 500),
        (errors.InternalError, None, 500),
        (errors.UnknownCollection, None, 400),
        (errors.MethodNotAllowed, None, 400),
        (errors.BodyTooLarge, None, 400),
        (errors.KeyMismatch, None, 400),
        (errors.Replayed, None, 400),
    ],
)
def test_d14_d15_d16_d17_d19_the_status_of_an_error(
    kind: type[RequestError], retry_after: int | None, status: int
) -> None:
    problem = kind("No.", retry_after=retry_after)
    assert tell(collection.error(problem), MANY).status == status


@pytest.mark.parametrize(
    ("action", "status"), [(Action.CREATE, 201), (Action.UPDATE, 200), (Action.DELETE, 200)]
)
def test_d08_d12_d13_what_was_saved_is_in_the_shape_of_the_request(
    action: Action, status: int
) -> None:
    assert _told(saved(action), ONE) == (status, {"data": ITEM})
    assert _told(saved(action), MANY) == (status, {"data": [ITEM]})
    nothing = write(BatchState.COMMITTED, action, received=0, data=b"[]")
    assert _told(nothing) == (status, {"data": []})


def test_d08_no_digit_of_a_single_object_is_lost() -> None:
    told = tell(write(BatchState.COMMITTED, data=ROWS), ONE)
    assert told.document is not None
    assert told.document["data"]["weight"] == Decimal("0.10000000000000000001")


@pytest.mark.parametrize("context", [ONE, MANY])
def test_d08_nothing_to_show_is_null(context: Context) -> None:
    minimal = write(BatchState.COMMITTED, options=Options(representation=False))
    assert _told(minimal, context) == (201, {"data": None})


def test_d10_d11_a_list_alone_has_pagination() -> None:
    page = Page(rows=[b'{"id":"a"}'], limit=1000, offset=0, total=2543)
    pagination = {"total": 2543, "limit": 1000, "offset": 0}
    document = {"data": [{"id": "a"}], "pagination": pagination}
    assert _told(collection.listed(page, PRESENTER, EVERY_FIELD)) == (200, document)
    item = collection.item(b'{"id":"a"}', PRESENTER, EVERY_FIELD)
    assert _told(item) == (200, {"data": {"id": "a"}})


def test_d21_a_failure_tells_its_first_error_and_all_of_them() -> None:
    status, document = _told(refused(errors.BAD_FORMAT, errors.REQUIRED))
    assert (status, document["data"]) == (400, None)
    assert document["error"] == {
        "type": "validation",
        "code": 42204,
        "name": "bad_format",
        "message": "2 of 2 items are invalid; nothing was saved",
    }
    assert document["metadata"]["invalidItems"] == [0, 1]
    assert [each["errors"][0]["code"] for each in document["failures"]] == [42204, 42201]
    assert document["failures"][0]["rawData"] == {"email": "x"}


@pytest.mark.parametrize("code", ITEM_CODES.values(), ids=lambda code: code.name)
def test_d17_d18_the_status_of_bad_items(code: ErrorCode) -> None:
    status, document = _told(refused(code))
    assert (status, document["error"]["code"]) == (STATUSES[code.code], code.code)


def test_d18_items_of_another_group_among_other_bad_ones_are_a_bad_request() -> None:
    assert _told(refused(errors.OTHER_GROUP, errors.OTHER_GROUP))[0] == 403
    assert _told(refused(errors.OTHER_GROUP, errors.REQUIRED))[0] == 400
    both = [ItemError(errors.OTHER_GROUP, "No."), ItemError(errors.REQUIRED, "No.")]
    batch = batch_of(BatchState.REJECTED, invalid=[0])
    answer = collection.written(Outcome(batch, [Failure(0, {}, both)]), PRESENTER)
    assert _told(answer)[0] == 400


def test_x14_what_is_not_finished_is_202_with_its_batch() -> None:
    status, document = _told(write(BatchState.ACCEPTED), ONE)
    assert (status, document["data"]) == (202, None)
    assert document["metadata"]["batchId"] == str(ID)
    assert "error" not in document
    assert DIALECT.knows_accepted
    assert DIALECT.waits


def test_d13_x15_what_was_saved_in_part_has_failures_beside_data() -> None:
    status, document = _told(partly(errors.REQUIRED))
    assert (status, document["data"]) == (201, [ITEM])
    assert document["metadata"]["invalidItems"] == [1]
    assert len(document["failures"]) == 1
    assert "error" not in document
    changed = write(BatchState.COMMITTED, Action.UPDATE, received=2, invalid=[1], data=b"[]")
    assert _told(changed)[0] == 200


def test_d18_d21_a_limit_that_failed_a_batch_is_its_error() -> None:
    limit = LimitReached("Full", "No.", collection="contacts", maximum=1, left=0).document()
    status, document = _told(write(BatchState.FAILED, error=limit))
    assert (status, document["data"], document["error"]) == (403, None, limit)


def test_x12_a_batch_has_the_answer_that_it_got_in_this_dialect() -> None:
    outcome = Outcome(batch_of(BatchState.COMMITTED, data=ROWS))
    context = Context(notifications=("contacts_list_full",))
    status, document = _told(collection.batch(outcome, PRESENTER), context)
    assert (status, document["data"]["state"]) == (200, "committed")
    body = {"data": orjson.loads(ROWS)}
    assert document["data"]["response"] == {"status": 201, "body": body}
    gone = collection.batch(outcome, None)
    assert _told(gone)[1]["data"]["response"] is None


def test_x12_all_failures_of_a_batch_are_data() -> None:
    listed = [{"rawData": {}, "errors": []}]
    answer = collection.failures(batch_of(BatchState.REJECTED, invalid=[0]), listed)
    status, document = _told(answer)
    assert (status, document["data"]) == (200, listed)
    assert document["metadata"]["invalidItemsCount"] == 1
    assert "failures" not in document


def test_a_dry_run_tells_its_counts_and_shows_nothing() -> None:
    fine = collection.dry_run(Outcome(batch_of(BatchState.COMMITTED, created=1)))
    status, document = _told(fine, ONE)
    assert (status, document["data"], document["metadata"]["created"]) == (200, None, 1)
    failure = Failure(0, {}, [ItemError(errors.REQUIRED, "No.")])
    batch = batch_of(BatchState.REJECTED, invalid=[0])
    status, document = _told(collection.dry_run(Outcome(batch, [failure])), ONE)
    assert (status, document["error"]["code"]) == (400, 42201)


def test_summaries_and_limits_that_are_reached_are_beside_data() -> None:
    context = Context(summaries={"tags": []}, notifications=("contacts_list_full",))
    answer = collection.item(b"{}", PRESENTER, EVERY_FIELD)
    document = {"data": {}, "tags": [], "notifications": ["contacts_list_full"]}
    assert _told(answer, context) == (200, document)
