"""What every response carries, and what a write says about its items (contract 2, Responses)."""

import datetime as dt
import re
from typing import Any

import pytest

from ingest.store.pool import Pool
from tests.api.shared import ANN, BAD, JIM, configured, contact, stored
from tests.harness import Reply, Service

COUNTS = {"created", "updated", "deleted", "unchanged"}


def check_envelope(reply: Reply) -> None:
    assert reply.headers["Content-Type"].startswith("application/json")
    assert reply.body["status"] == reply.status
    assert isinstance(reply.body["message"], str)
    assert reply.body["message"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", reply.body["timestamp"])
    moment = dt.datetime.fromisoformat(reply.body["timestamp"])
    assert abs((dt.datetime.now(dt.UTC) - moment).total_seconds()) < 60


def check_partition(reply: Reply, received: int) -> None:
    metadata = reply.body["metadata"]
    valid, invalid = metadata["validItems"], metadata["invalidItems"]
    assert valid == sorted(valid)
    assert invalid == sorted(invalid)
    assert sorted(valid + invalid) == list(range(received))
    assert metadata["receivedItemsCount"] == received
    assert metadata["validItemsCount"] == len(valid)
    assert metadata["invalidItemsCount"] == len(invalid)


async def test_a_saved_collection(service: Service, operator: Pool) -> None:
    reply = await service.post("contacts", [JIM, ANN])
    check_envelope(reply)
    check_partition(reply, 2)
    assert (reply.status, reply.body["result"]) == (201, "success")
    metadata = reply.body["metadata"]
    assert metadata["outcomes"] == ["created", "created"]
    assert {name: metadata[name] for name in COUNTS} == {
        "created": 2,
        "updated": 0,
        "deleted": 0,
        "unchanged": 0,
    }
    assert [item["email"] for item in reply.body["data"]] == [JIM["email"], ANN["email"]]
    assert (
        reply.body["data"][1] == (await service.get("contacts", params={"age": 41})).body["data"][0]
    )
    assert "failures" not in reply.body
    assert "error" not in reply.body
    assert await stored(operator, "collections.contacts") == 2


async def test_one_object_is_a_collection_of_one(service: Service) -> None:
    reply = await service.post("contacts", JIM)
    check_partition(reply, 1)
    assert reply.status == 201
    assert [item["email"] for item in reply.body["data"]] == [JIM["email"]]


@pytest.mark.parametrize(("method", "status"), [("POST", 201), ("PATCH", 200), ("DELETE", 200)])
async def test_an_empty_array_is_a_success_that_saves_nothing(
    service: Service, operator: Pool, method: str, status: int
) -> None:
    await service.post("contacts", JIM)
    reply = await service.request(method, "/v1/contacts", [])
    check_envelope(reply)
    check_partition(reply, 0)
    assert (reply.status, reply.body["result"]) == (status, "success")
    assert reply.body["data"] == []
    assert {reply.body["metadata"][name] for name in COUNTS} == {0}
    assert await stored(operator, "collections.contacts") == 1


async def test_data_is_in_request_order_and_every_kind_of_write_says_what_it_did(
    service: Service,
) -> None:
    emails = [f"{letter}@example.com" for letter in "qwertzuiop"]
    posted = await service.post("contacts", [{"email": e, "first_name": "x"} for e in emails])
    keys = [item["id"] for item in posted.body["data"]]
    assert [item["email"] for item in posted.body["data"]] == emails

    order = [*keys[5:], *keys[:5]]
    patched = await service.patch(
        "contacts", [{"id": key, "age": 3 + n % 2 if n % 2 else 9} for n, key in enumerate(order)]
    )
    check_envelope(patched)
    assert (patched.status, patched.body["result"]) == (200, "success")
    assert [item["id"] for item in patched.body["data"]] == order
    assert patched.body["metadata"]["updated"] == 10

    deleted = await service.delete("contacts", keys[::-1])
    check_envelope(deleted)
    assert [item["id"] for item in deleted.body["data"]] == keys[::-1]
    assert deleted.body["metadata"]["outcomes"] == ["deleted"] * 10
    assert deleted.body["metadata"]["deleted"] == 10


async def test_minimal_leaves_out_data_and_outcomes_and_keeps_the_counts(service: Service) -> None:
    reply = await service.post("contacts", [JIM, ANN], prefer="return=minimal")
    check_envelope(reply)
    assert reply.status == 201
    assert reply.headers["Preference-Applied"] == "return=minimal"
    assert "data" not in reply.body
    assert "outcomes" not in reply.body["metadata"]
    assert reply.body["metadata"]["created"] == 2


async def test_a_failure_names_every_bad_item_and_saves_nothing(
    service: Service, operator: Pool
) -> None:
    items = [JIM, {"email": "x", "first_name": "", "age": 200, "huh": 1}, ANN, BAD]
    reply = await service.post("contacts", items)
    check_envelope(reply)
    check_partition(reply, 4)
    assert (reply.status, reply.body["result"]) == (422, "failure")
    assert reply.body["metadata"]["invalidItems"] == [1, 3]
    assert not COUNTS & set(reply.body["metadata"])
    assert "data" not in reply.body
    assert [failure["rawData"] for failure in reply.body["failures"]] == [items[1], items[3]]
    assert {index: sorted(errors) for index, errors in reply.codes.items()} == {
        1: [(42204, "email"), (42205, "age"), (42206, "first_name"), (42208, "huh")],
        3: [(42201, "first_name"), (42204, "email")],
    }
    for failure in reply.body["failures"]:
        for error in failure["errors"]:
            assert set(error) == {"type", "code", "name", "message", "field"}
            assert error["type"] == "validation"
    assert await stored(operator, "collections.contacts") == 0


async def test_the_message_says_how_many_items_are_bad(service: Service) -> None:
    reply = await service.post("contacts", [JIM, BAD, ANN])
    assert reply.body["message"] == "1 of 3 items is invalid; nothing was saved"


@configured(max_failures=2)
async def test_failures_are_bounded_and_indices_are_not(service: Service) -> None:
    reply = await service.post("contacts", [BAD] * 5)
    assert reply.body["metadata"]["invalidItems"] == [0, 1, 2, 3, 4]
    assert len(reply.body["failures"]) == 2
    batch = await service.get(f"batches/{reply.body['metadata']['batchId']}")
    assert len(batch.body["data"]["failures"]) == 2

    taken = [contact(number) for number in range(5)]
    assert (await service.post("contacts", taken)).status == 201
    late = await service.post("contacts", taken)
    assert late.body["metadata"]["invalidItems"] == [0, 1, 2, 3, 4]
    assert len(late.body["failures"]) == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v1/contacts", None, 200),
        ("GET", "/v1/airports/ZZZ", None, 404),
        ("GET", "/v1/nothing", None, 404),
        ("POST", "/v1/contacts", {"email": "x"}, 422),
        ("PUT", "/v1/contacts", [], 405),
    ],
)
async def test_every_response_has_the_envelope(
    api: Service, method: str, path: str, body: Any, status: int
) -> None:
    reply = await api.request(method, path, body)
    assert reply.status == status
    check_envelope(reply)
    assert reply.body["result"] == {2: "success", 4: "error"}[status // 100] or status == 422
