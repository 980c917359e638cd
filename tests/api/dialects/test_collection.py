"""Document 003 to the letter, where `collection` is named (C01 to C21)."""

from typing import Any

import pytest

from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from ingest.store.tokens import create_token
from tests.api.shared import ANN, BAD, JIM, NOTHING, configured, contact, send, stored, written
from tests.harness import Reply, Service

STATUSES = {200, 400, 401, 403, 404, 405, 422, 500}
TYPES = {"system", "client", "syntax", "content", "permission", "validation"}


class Named(Service):
    """A client whose every request names the dialect, and which checks what always holds."""

    async def request(self, method: str, path: str, items: Any = None, **options: Any) -> Reply:  # type: ignore[override]
        options.setdefault("accept", "application/json; dialect=collection")
        reply = await super().request(method, path, items, **options)
        body = reply.body
        assert reply.headers["Content-Type"] == "application/json"
        assert isinstance(body, dict)  # C01
        assert body["status"] == reply.status
        assert reply.status in STATUSES | {202, 429, 503}  # C02
        assert body["result"] in {"success", "failure", "error", "partial", "accepted"}  # C06
        assert (body["result"] == "error") == ("error" in body)  # C09
        for error in [body.get("error"), *errors_of(body)]:
            check_error(error)
        return reply


def errors_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [error for failure in body.get("failures", []) for error in failure["errors"]]


def check_error(error: dict[str, Any] | None) -> None:
    """C18 to C21."""
    if error is None:
        return
    assert error["type"] in TYPES
    assert type(error["code"]) is int
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error.get("description", ""), str)
    assert isinstance(error.get("field", ""), str)
    assert "field" not in error or error["type"] in ("validation", "content")


@pytest.fixture
def named(service: Service) -> Named:
    return Named(service.client, service.token)


async def test_c01_c06_every_answer_is_an_object_with_a_result(named: Named) -> None:
    for method, path, items, result in (
        ("POST", "contacts", [JIM], "success"),
        ("POST", "contacts", [JIM], "failure"),
        ("GET", "contacts", None, "success"),
        ("GET", "batches", None, "success"),
        ("PATCH", "contacts", [], "success"),
        ("GET", "nothing", None, "error"),
        ("GET", "nothing/at/all", None, "error"),
        ("POST", "contacts", "text", "error"),
    ):
        reply = await named.request(method, f"/v1/{path}", items)
        assert reply.body["result"] == result, (method, path)


async def test_c02_what_is_saved_is_200_and_the_default_says_201(
    service: Service, named: Named, operator: Pool
) -> None:
    finer = await service.post("contacts", JIM)
    reply = await named.post("contacts", ANN)
    assert (finer.status, reply.status) == (201, 200)
    assert reply.body.keys() == finer.body.keys()
    assert reply.body["metadata"].keys() == finer.body["metadata"].keys()
    lenient = {"prefer": "handling=lenient"}
    items = [contact(1), BAD]
    assert (await named.post("contacts", items, **lenient)).status == 200
    finer = await service.post("contacts", [contact(2), BAD], **lenient)
    assert (finer.status, finer.body["result"]) == (207, "partial")
    assert await stored(operator, "collections.contacts") == 4


async def test_c02_conflicts_of_keys_are_422(service: Service, named: Named) -> None:
    await named.post("contacts", JIM, idempotency_key="k")
    reply = await named.post("contacts", JIM, idempotency_key="k")
    assert (reply.status, reply.error) == (422, (40901, "idempotency_replayed"))
    finer = await service.post("contacts", JIM, idempotency_key="k", accept="application/json")
    assert (finer.status, finer.error) == (409, reply.error)


@configured(max_body=200)
async def test_c02_what_cannot_be_taken_is_400(named: Named, operator: Pool) -> None:
    for reply, code in (
        (await named.post("contacts", [JIM] * 10), 41301),
        (await send(named, "contacts", b"x", content_type="image/png"), 41501),
        (await send(named, "contacts", b"x", content_encoding="compress"), 41502),
        (await send(named, "contacts", b"[{]"), 40001),
    ):
        assert (reply.status, reply.error[0]) == (400, code)
        assert reply.body["result"] == "error"
    assert await written(operator) == NOTHING


@configured(max_concurrent=0)
async def test_c02_too_many_requests_keep_their_status(named: Named) -> None:
    reply = await named.get("contacts")
    assert (reply.status, reply.error[0]) == (429, 42901)
    assert reply.headers["Retry-After"] == "1"


async def test_c02_what_is_not_finished_is_202(named: Named, operator: Pool) -> None:
    reply = await named.post("contacts", JIM, prefer="respond-async")
    assert (reply.status, reply.body["result"]) == (202, "accepted")
    assert reply.headers["Location"] == f"/v1/batches/{reply.body['metadata']['batchId']}"


async def test_c02_a_batch_shows_the_response_that_the_dialect_gives(
    service: Service, named: Named
) -> None:
    saved = await named.post("contacts", JIM)
    path = f"batches/{saved.body['metadata']['batchId']}"
    assert (await named.get(path)).body["data"]["response"]["status"] == 200
    assert (await service.get(path)).body["data"]["response"]["status"] == 201


async def test_c03_what_is_not_seen_is_404_and_what_is_not_allowed_403(
    named: Named, operator: Pool
) -> None:
    await named.post("seats", {"code": "A1"})
    _, other = await create_token(operator, "rival", "tests")
    assert (await named.get("seats/A1", token=other)).status == 404
    _, reader = await create_token(operator, "acme", "reader", role="reader")
    assert (await named.get("contacts", token=reader)).status == 200
    refused = await named.post("contacts", JIM, token=reader)
    assert (refused.status, refused.body["error"]["type"]) == (403, "permission")
    await set_quota(operator, "acme", "contacts", 0)
    limit = await named.post("contacts", JIM)
    assert (limit.status, limit.error[0]) == (403, 40302)
    assert await stored(operator, "collections.contacts") == 0


async def test_c02_missing_and_invalid_credentials_are_401(named: Named) -> None:
    for authorization in ("", "Bearer wrong", "Basic x"):
        reply = await named.get("contacts", Authorization=authorization)
        assert (reply.status, reply.body["error"]["type"]) == (401, "permission")


async def test_c04_a_method_that_is_not_supported_is_405(named: Named) -> None:
    reply = await named.request("POST", "/v1/batches", [JIM])
    assert (reply.status, reply.error[0]) == (405, 40501)
    assert "GET" in reply.headers["Allow"].split(", ")
    assert "POST" not in reply.headers["Allow"]


async def test_c05_c08_invalid_data_is_422_and_nothing_is_processed(
    named: Named, operator: Pool
) -> None:
    await named.post("contacts", JIM)
    items = [ANN, BAD, contact(1)]
    for method, body in (
        ("POST", items),
        ("POST", [ANN, JIM]),
        ("PATCH", [{"id": "01a20000-0000-7000-8000-000000000000", "age": 3}]),
        ("DELETE", ["01a20000-0000-7000-8000-000000000000"]),
    ):
        reply = await named.request(method, "/v1/contacts", body)
        assert (reply.status, reply.body["result"]) == (422, "failure")
        assert "data" not in reply.body
        assert await stored(operator, "collections.contacts") == 1


async def test_c07_c10_all_items_are_saved_and_shown_in_their_order(
    named: Named, operator: Pool
) -> None:
    items = [contact(number) for number in (3, 1, 2)]
    reply = await named.post("contacts", items)
    assert reply.body["result"] == "success"
    assert [item["email"] for item in reply.body["data"]] == [item["email"] for item in items]
    assert await stored(operator, "collections.contacts") == 3
    keys = [item["id"] for item in reply.body["data"]]
    changed = await named.patch("contacts", [{"id": key, "age": 9} for key in keys])
    assert [(item["id"], item["age"]) for item in changed.body["data"]] == [
        (key, 9) for key in keys
    ]
    deleted = await named.delete("contacts", keys[::-1])
    assert [item["id"] for item in deleted.body["data"]] == keys[::-1]
    assert await stored(operator, "collections.contacts") == 0


async def test_c09_an_error_is_the_answer_to_any_request(named: Named) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        reply = await named.request(method, "/v1/nothing", None if method == "GET" else [])
        assert (reply.status, reply.body["result"]) == (404, "error")
        assert "failures" not in reply.body


async def test_c11_c12_pages_are_counted(named: Named) -> None:
    await named.post("contacts", [contact(number) for number in range(7)])
    for offset, page, count in ((0, 1, 3), (3, 2, 3), (6, 3, 1), (9, 4, 0)):
        reply = await named.get("contacts", params={"limit": 3, "offset": offset})
        assert reply.body["metadata"] == {
            "page": page,
            "pagesCount": 3,
            "recordsPerPage": 3,
            "recordsCount": 7,
        }
        assert len(reply.body["data"]) == count


@pytest.mark.parametrize("accept", ["application/json", "application/json; dialect=collection"])
async def test_c11_a_single_item_has_the_metadata_of_a_list_of_one(
    named: Named, accept: str
) -> None:
    await named.post("seats", {"code": "A1"})
    reply = await named.get("seats/A1", accept=accept)
    assert reply.body["data"]["code"] == "A1"
    assert reply.body["metadata"] == {
        "page": 1,
        "pagesCount": 1,
        "recordsPerPage": 1,
        "recordsCount": 1,
    }


async def test_c13_c14_c15_indices_and_failures_belong_together(named: Named) -> None:
    items = [BAD, JIM, {"email": "x", "first_name": "X"}, ANN]
    for method in ("POST", "PATCH", "DELETE"):
        reply = await named.request(method, "/v1/contacts", items if method == "POST" else [])
        metadata = reply.body["metadata"]
        assert type(metadata["receivedItemsCount"]) is int
        if method == "POST":
            assert (metadata["receivedItemsCount"], reply.status) == (4, 422)
            assert (metadata["validItems"], metadata["invalidItems"]) == ([1, 3], [0, 2])
            assert [failure["rawData"] for failure in reply.body["failures"]] == [
                items[0],
                items[2],
            ]
        else:
            assert (metadata["validItems"], metadata["invalidItems"]) == ([], [])
    good = await named.post("contacts", [JIM])
    assert good.body["metadata"]["invalidItems"] == []


@configured(max_failures=2)
async def test_c15_failures_are_bounded(named: Named) -> None:
    reply = await named.post("contacts", [BAD] * 5)
    assert len(reply.body["failures"]) == 2
    assert reply.body["metadata"]["invalidItems"] == [0, 1, 2, 3, 4]


async def test_c16_c17_raw_data_is_what_was_sent(named: Named) -> None:
    items = [{"email": "x", "huh": [1, None]}, 5, "text", None, [1]]
    reply = await named.post("contacts", items)
    assert [failure["rawData"] for failure in reply.body["failures"]] == items
    assert all(failure["errors"] for failure in reply.body["failures"])
    lines = await send(named, "contacts", b'{"email"\n', content_type="application/x-ndjson")
    assert lines.body["failures"][0]["rawData"] == '{"email"'


async def test_c18_c21_errors_of_items_name_their_field_where_there_is_one(named: Named) -> None:
    await named.post("contacts", JIM)
    reply = await named.post("contacts", [{"email": "x", "first_name": "X"}, 5])
    assert [
        [(error["type"], error.get("field")) for error in failure["errors"]]
        for failure in reply.body["failures"]
    ] == [[("validation", "email")], [("validation", None)]]
    conflict = await named.post("contacts", [JIM])
    [[error]] = [failure["errors"] for failure in conflict.body["failures"]]
    assert (error["type"], error["code"], error["field"]) == ("content", 40903, "email")
