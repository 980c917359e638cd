"""The default dialect and its named face, document 003, as pure functions."""

from typing import Any

import pytest

from ingest.dialects import DEFAULT, DIALECTS, collection
from ingest.dialects.answer import Answer, Tell
from ingest.errors import (
    BAD_FORMAT,
    ITEM_CODES,
    OTHER_GROUP,
    REQUIRED,
    LimitReached,
    TokenRequired,
)
from ingest.examples import contacts
from ingest.model import Action, BatchState, Options, Outcome, Page
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

NAMED = DIALECTS["collection"]
PRESENTER = Presenter(contacts)
TYPES = {"system", "client", "syntax", "content", "permission", "validation"}
CLOSED = {200, 400, 401, 403, 404, 405, 422, 500}
KEPT = {202, 429, 503}
"""Beside the list of document 003."""


def named(answer: Answer) -> dict[str, Any]:
    """The document of the named face; its status is that of the answer."""
    told = NAMED.tell(answer, CONTEXT)
    assert told.document is not None
    assert told.document["status"] == told.status
    return told.document


def metadata_of(answer: Answer) -> dict[str, Any]:
    metadata: dict[str, Any] = answer.document["metadata"]
    return metadata


def test_c02_named_the_statuses_are_the_closed_list() -> None:
    for answer in (
        *(saved(action) for action in Action),
        *(refused(code) for code in ITEM_CODES.values()),
        partly(BAD_FORMAT),
        *map(collection.error, problems()),
    ):
        assert named(answer)["status"] in CLOSED | (KEPT & {answer.status})
    assert named(write(BatchState.ACCEPTED))["status"] == 202


def test_c02_the_bodies_are_the_same_but_for_the_status() -> None:
    for answer in (saved(), refused(BAD_FORMAT), partly(BAD_FORMAT), write(BatchState.ACCEPTED)):
        assert {**named(answer), "status": answer.status} == answer.document
        assert DEFAULT.tell(answer, CONTEXT).document == answer.document


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *[(201, 200), (207, 200), (408, 400), (409, 422), (413, 400), (415, 400)],
        *[(200, 200), (202, 202), (400, 400), (401, 401), (403, 403), (404, 404)],
        *[(405, 405), (422, 422), (429, 429), (500, 500), (503, 503)],
    ],
)
def test_c02_each_status(status: int, expected: int) -> None:
    document = {"result": "success", "status": status}
    answer = Answer(kind=collection.Kind.WRITE, status=status, document=document)
    assert named(answer)["status"] == expected


def test_c02_a_stored_response_has_the_statuses_of_the_dialect() -> None:
    batch = saved().outcome
    assert batch is not None
    shown = collection.batch(batch, PRESENTER)
    response = named(shown)["data"]["response"]
    assert (response["status"], response["body"]["status"]) == (200, 200)
    assert shown.document["data"]["response"]["status"] == 201
    assert shown.document["data"]["response"]["body"]["status"] == 201


def test_c06_result_is_one_of_five() -> None:
    results = {
        "success": [saved(), saved(Action.UPDATE), saved(Action.DELETE)],
        "failure": [refused(BAD_FORMAT), refused(OTHER_GROUP, state=BatchState.FAILED)],
        "error": list(map(collection.error, problems())),
        "partial": [partly(BAD_FORMAT)],
        "accepted": [write(BatchState.ACCEPTED)],
    }
    for result, answers in results.items():
        assert {named(answer)["result"] for answer in answers} == {result}


def test_c09_an_error_has_an_error_object_and_no_failures() -> None:
    limit = LimitReached("Too many.", "Delete some.", collection="contacts", maximum=1, left=0)
    answers = [*map(collection.error, problems())]
    answers.append(write(BatchState.FAILED, error=limit.document()))
    for answer in answers:
        document = named(answer)
        assert document["result"] == "error"
        assert {"type", "code", "message"} <= document["error"].keys()
        assert not {"failures", "data"} & document.keys()


@pytest.mark.parametrize("tell", [DEFAULT.tell, NAMED.tell])
def test_an_error_links_to_its_page(tell: Tell) -> None:
    limit = LimitReached("Too many.", "Delete some.", collection="contacts", maximum=1, left=0)
    failed = write(BatchState.FAILED, error=limit.document())
    for answer in [*map(collection.error, problems()), failed]:
        document = tell(answer, CONTEXT).document
        assert document is not None
        error = document["error"]
        assert error["moreInfo"] == f"https://api.example.com/docs/errors/{error['name']}"
        assert "moreInfo" not in answer.document["error"]
    assert failed.outcome is not None
    shown = tell(collection.batch(failed.outcome, PRESENTER), CONTEXT).document
    assert shown is not None
    stored = shown["data"]["response"]["body"]["error"]
    assert stored["moreInfo"].endswith("/docs/errors/limit_reached")


def test_a_dry_run_says_once_that_nothing_was_saved() -> None:
    bad = refused(BAD_FORMAT).outcome
    assert bad is not None
    message = collection.dry_run(bad).document["message"]
    assert message == "Dry run, nothing was saved: 1 of 1 item is invalid"


def test_c11_c12_a_list_and_an_item_have_their_page() -> None:
    page = Page(rows=[b'{"id":"1"}'], total=7, limit=3, offset=6)
    listed = collection.listed(page, PRESENTER, Options().select)
    assert metadata_of(listed) == {
        "page": 3,
        "pagesCount": 3,
        "recordsPerPage": 3,
        "recordsCount": 7,
    }
    item = collection.item(b'{"id":"1"}', PRESENTER, Options().select)
    assert metadata_of(item) == {
        "page": 1,
        "pagesCount": 1,
        "recordsPerPage": 1,
        "recordsCount": 1,
    }


def test_c13_c14_indices_are_ascending_and_together_all() -> None:
    batch = batch_of(BatchState.REJECTED, received=6, invalid=[1, 4])
    metadata = metadata_of(collection.written(Outcome(batch, ()), PRESENTER))
    assert metadata["receivedItemsCount"] == 6
    assert (metadata["validItems"], metadata["invalidItems"]) == ([0, 2, 3, 5], [1, 4])
    metadata = metadata_of(saved())
    assert (metadata["validItems"], metadata["invalidItems"]) == ([0], [])
    metadata = metadata_of(refused(BAD_FORMAT))
    assert (metadata["validItems"], metadata["invalidItems"]) == ([], [0])


def test_c15_c16_c17_failures_are_in_the_order_of_their_indices() -> None:
    answer = refused(BAD_FORMAT, REQUIRED)
    failures = answer.document["failures"]
    assert metadata_of(answer)["invalidItems"] == [0, 1]
    assert [failure["rawData"] for failure in failures] == [{"email": "x"}] * 2
    assert [[error["code"] for error in each["errors"]] for each in failures] == [[42204], [42201]]


def test_c18_c19_c20_c21_every_error_object_has_its_members() -> None:
    for answer in map(collection.error, problems()):
        error = answer.document["error"]
        assert error["type"] in TYPES
        assert type(error["code"]) is int
        assert "field" not in error
        for name in ("name", "message", "description"):
            assert isinstance(error[name], str)
            assert error[name]
    bare = collection.error(TokenRequired("A token is required"))
    assert "description" not in bare.document["error"]
    for code in ITEM_CODES.values():
        [failure] = refused(code).document["failures"]
        [error] = failure["errors"]
        assert error["type"] in TYPES
        assert (type(error["code"]), error["field"]) == (int, "email")
        assert "description" not in error


def test_an_error_about_a_batch_names_it() -> None:
    problem = LimitReached("Too many.", "Delete some.", collection="contacts", maximum=1, left=0)
    problem.batch_id = ID
    assert metadata_of(collection.error(problem)) == {"batchId": str(ID)}
