"""Document 004 as a function: every outcome and every error in its shape, with its statuses."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest

from ingest import errors
from ingest.dialects import collection
from ingest.dialects.answer import Answer, Context, Kind
from ingest.dialects.data import DIALECT, STATUSES, tell
from ingest.errors import ITEM_CODES, ErrorCode, RequestError
from ingest.examples import contacts
from ingest.model import (
    EVERY_FIELD,
    Action,
    Batch,
    BatchState,
    Failure,
    ItemError,
    Options,
    Outcome,
    Page,
)
from ingest.resources.representation import Presenter

NOW = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
ROWS = b'[{"id":"a","weight":0.10000000000000000001},{"id":"b"}]'
PRESENTER = Presenter(contacts)
SELECT = EVERY_FIELD
ONE = Context(single=True)
MANY = Context()
CLOSED = {200, 201, 400, 401, 403, 429, 500}


def _batch(**changes: Any) -> Batch:
    batch = Batch(
        id=uuid4(),
        account="acme",
        collection="contacts",
        action=Action.CREATE,
        options=Options(),
        state=BatchState.COMMITTED,
        received=2,
        invalid_count=0,
        invalid=[],
        created_at=NOW,
        accepted_at=NOW,
        finished_at=NOW,
        created=2,
        data=ROWS,
    )
    return replace(batch, **changes)


def _written(batch: Batch, *failures: Failure) -> Answer:
    return collection.written(Outcome(batch, failures), PRESENTER)


def _failure(index: int, *codes: ErrorCode) -> Failure:
    return Failure(index, {"n": index}, [ItemError(code, f"It is {code.name}.") for code in codes])


def _refused(*failures: Failure) -> Answer:
    invalid = [failure.index for failure in failures]
    state = BatchState.REJECTED
    batch = _batch(state=state, invalid=invalid, invalid_count=len(invalid), data=None)
    return _written(batch, *failures)


def _requests() -> list[type[RequestError]]:
    """Every class of error that has a code."""
    found = [RequestError]
    for each in found:
        found += each.__subclasses__()
    return [each for each in found if hasattr(each, "error_code")]


def _error(kind: type[RequestError], retry_after: int | None = None) -> RequestError:
    more: dict[str, Any] = {}
    if kind is errors.NotPermitted:
        return errors.NotPermitted("No.", "Not this.", right="read")
    if kind is errors.LimitReached:
        more = {"collection": "contacts", "maximum": 1, "left": 0}
        return errors.LimitReached("No.", "No more.", **more)
    return kind("No.", "So.", retry_after=retry_after)


def _json(document: Any) -> Any:
    return orjson.loads(orjson.dumps(document))


def test_d17_d18_d20_every_code_has_a_status_of_the_closed_list() -> None:
    codes = set(ITEM_CODES) | {each.error_code.code for each in _requests()}
    assert codes == set(STATUSES)
    assert set(STATUSES.values()) <= CLOSED


@pytest.mark.parametrize("kind", _requests())
def test_d20_d21_x07_every_error_has_null_data_and_its_code(kind: type[RequestError]) -> None:
    problem = _error(kind)
    told = tell(collection.error(problem), ONE)
    assert told.status == STATUSES[problem.error_code.code]
    assert told.document == {"data": None, "error": problem.document()}
    assert {"type", "code", "name", "message"} <= told.document["error"].keys()


STATUSES_OF = [
    (errors.TokenRequired, None, 401),
    (errors.TokenInvalid, None, 403),
    (errors.LimitReached, None, 403),
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
]


@pytest.mark.parametrize(("kind", "retry_after", "status"), STATUSES_OF)
def test_d14_to_d19_the_status_of_an_error(
    kind: type[RequestError], retry_after: int | None, status: int
) -> None:
    assert tell(collection.error(_error(kind, retry_after)), MANY).status == status


def test_d08_d12_d13_what_was_saved_is_in_the_shape_of_the_request() -> None:
    many = tell(_written(_batch()), MANY)
    assert (many.status, _json(many.document)) == (201, {"data": orjson.loads(ROWS)})
    one = tell(_written(_batch(received=1, data=b'[{"id":"a"}]')), ONE)
    assert (one.status, one.document) == (201, {"data": {"id": "a"}})
    for action in (Action.UPDATE, Action.DELETE):
        told = tell(_written(_batch(action=action, received=1, data=b'[{"id":"a"}]')), ONE)
        assert (told.status, told.document) == (200, {"data": {"id": "a"}})
    assert tell(_written(_batch(received=0, data=b"[]")), MANY).status == 201


def test_d08_no_digit_of_a_single_object_is_lost() -> None:
    told = tell(_written(_batch()), ONE)
    assert told.document is not None
    assert told.document["data"]["weight"] == Decimal("0.10000000000000000001")


def test_d08_nothing_to_show_is_null() -> None:
    minimal = _batch(options=Options(representation=False), data=None)
    for context in (ONE, MANY):
        assert tell(_written(minimal), context).document == {"data": None}


def test_d10_d11_a_list_has_its_pagination() -> None:
    page = Page(rows=[b'{"id":"a"}'], limit=1000, offset=0, total=2543)
    told = tell(collection.listed(page, PRESENTER, SELECT), MANY)
    assert (told.status, _json(told.document)) == (
        200,
        {"data": [{"id": "a"}], "pagination": {"total": 2543, "limit": 1000, "offset": 0}},
    )
    item = tell(collection.item(b'{"id":"a"}', PRESENTER, SELECT), MANY)
    assert _json(item.document) == {"data": {"id": "a"}}


def test_d21_a_failure_tells_its_first_error_and_all_of_them() -> None:
    bad = _failure(1, errors.BAD_FORMAT, errors.REQUIRED)
    told = tell(_refused(bad), MANY)
    assert (told.status, told.document and told.document["data"]) == (400, None)
    assert told.document is not None
    assert told.document["error"] == {
        "type": "validation",
        "code": 42204,
        "name": "bad_format",
        "message": "1 of 2 items is invalid; nothing was saved",
    }
    assert told.document["metadata"]["validItems"] == [0]
    assert told.document["metadata"]["invalidItems"] == [1]
    assert [error["code"] for error in told.document["failures"][0]["errors"]] == [42204, 42201]
    assert told.document["failures"][0]["rawData"] == {"n": 1}


@pytest.mark.parametrize("code", ITEM_CODES.values(), ids=lambda code: code.name)
def test_d17_d18_the_status_of_bad_items(code: ErrorCode) -> None:
    told = tell(_refused(_failure(0, code)), MANY)
    assert told.status == STATUSES[code.code]


def test_d18_items_of_another_group_and_others_are_a_bad_request() -> None:
    group, other = _failure(0, errors.OTHER_GROUP), _failure(1, errors.REQUIRED)
    assert tell(_refused(group, other), MANY).status == 400
    assert tell(_refused(_failure(0, errors.OTHER_GROUP, errors.REQUIRED)), MANY).status == 400


def test_x14_what_is_not_finished_is_202_with_its_batch() -> None:
    batch = _batch(state=BatchState.ACCEPTED, data=None)
    told = tell(_written(batch), ONE)
    assert told.status == 202
    assert told.document is not None
    assert told.document["data"] is None
    assert told.document["metadata"]["batchId"] == str(batch.id)
    assert "error" not in told.document
    assert DIALECT.knows_accepted
    assert DIALECT.waits


@pytest.mark.parametrize(("action", "status"), [(Action.CREATE, 201), (Action.UPDATE, 200)])
def test_x15_what_was_saved_in_part_has_failures_beside_data(action: Action, status: int) -> None:
    batch = _batch(action=action, invalid=[1], invalid_count=1, data=b'[{"id":"a"}]', created=1)
    told = tell(_written(batch, _failure(1, errors.REQUIRED)), MANY)
    assert told.status == status
    assert told.document is not None
    assert _json(told.document["data"]) == [{"id": "a"}]
    assert told.document["metadata"]["invalidItems"] == [1]
    assert len(told.document["failures"]) == 1
    assert "error" not in told.document


def test_d21_a_limit_that_failed_a_batch_is_its_error() -> None:
    limit = errors.LimitReached("Full", "No.", collection="contacts", maximum=1, left=0)
    batch = _batch(state=BatchState.FAILED, data=None, error=limit.document())
    told = tell(_written(batch), MANY)
    assert told.status == 403
    assert told.document is not None
    assert told.document["error"] == limit.document()
    assert told.document["data"] is None


def test_x12_a_batch_has_the_answer_that_it_got_in_this_dialect() -> None:
    outcome = Outcome(_batch())
    told = tell(collection.batch(outcome, PRESENTER), MANY)
    assert told.document is not None
    shown = told.document["data"]
    assert (told.status, shown["state"], shown["response"]["status"]) == (200, "committed", 201)
    assert _json(shown["response"]["body"]) == {"data": orjson.loads(ROWS)}
    assert tell(collection.batch(outcome, None), MANY).document["data"]["response"] is None  # type: ignore[index]


def test_a_dry_run_tells_its_counts_and_saves_nothing() -> None:
    told = tell(collection.dry_run(Outcome(_batch(data=None))), ONE)
    assert told.status == 200
    assert told.document is not None
    assert told.document["data"] is None
    assert told.document["metadata"]["created"] == 2
    answer = collection.dry_run(
        Outcome(_batch(data=None, invalid=[0], invalid_count=1), [_failure(0, errors.REQUIRED)])
    )
    assert answer.kind is Kind.DRY_RUN
    assert tell(answer, ONE).status == 400


def test_summaries_are_beside_data() -> None:
    context = Context(summaries={"tags": []})
    told = tell(collection.item(b"{}", PRESENTER, SELECT), context)
    assert _json(told.document) == {"data": {}, "tags": []}


def test_limits_that_are_reached_are_beside_data() -> None:
    context = Context(notifications=("contacts_list_full",))
    assert tell(_written(_batch(data=None)), context).document == {
        "data": None,
        "notifications": ["contacts_list_full"],
    }


def test_x12_all_failures_of_a_batch_are_data() -> None:
    listed = [{"rawData": {}, "errors": []}]
    told = tell(collection.failures(_batch(invalid_count=1), listed), MANY)
    assert told.status == 200
    assert told.document is not None
    assert told.document["data"] == listed
    assert told.document["metadata"]["invalidItemsCount"] == 1
    assert "failures" not in told.document
