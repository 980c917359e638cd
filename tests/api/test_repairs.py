"""Repair in place: batches that are kept, corrected item by item, or given up (contract 2)."""

import json
from typing import Any

import pytest

from ingest.store.pool import Pool
from tests.api.shared import ANN, BAD, JIM, configured, contact, stored
from tests.harness import Reply, Service

KEEP = "repair=keep"


async def rejected(service: Service, *items: Any, **options: Any) -> Reply:
    """The answer to a batch that is kept."""
    reply = await service.post("contacts", [*items], prefer=KEEP, **options)
    assert reply.status == 422, reply.body
    assert reply.body["metadata"]["repairable"] is True
    return reply


def place(reply: Reply) -> str:
    """The path of the items of the batch that an answer is about."""
    return f"/v1/batches/{reply.body['metadata']['batchId']}/items"


async def mend(service: Service, reply: Reply, *changes: Any, **options: Any) -> Reply:
    return await service.request("PATCH", place(reply), [*changes], **options)


async def batch_of(service: Service, reply: Reply) -> Any:
    shown = await service.get(f"batches/{reply.body['metadata']['batchId']}")
    return shown.body["data"]


async def test_a_batch_is_mended_and_committed_as_itself(service: Service) -> None:
    first = await rejected(service, JIM, BAD, ANN, {"email": "y"})
    assert first.headers["Preference-Applied"] == KEEP
    reply = await mend(service, first, {"index": 1, "item": contact(1)}, {"index": 3, "drop": True})
    assert (reply.status, reply.body["result"], reply.body["status"]) == (200, "success", 200)
    metadata = reply.body["metadata"]
    assert metadata["batchId"] == first.body["metadata"]["batchId"]
    assert (metadata["validItems"], metadata["invalidItems"]) == ([0, 1, 2], [])
    assert (metadata["droppedItems"], metadata["droppedItemsCount"]) == ([3], 1)
    assert (metadata["receivedItemsCount"], metadata["validItemsCount"]) == (4, 3)
    assert (metadata["created"], metadata["attempt"], metadata["repairable"]) == (3, 2, False)
    assert metadata["outcomes"] == ["created"] * 3
    assert [each["email"] for each in reply.body["data"]] == [
        "jim@example.com",
        "c1@example.com",
        "ann@example.com",
    ]
    assert reply.headers["ETag"] == '"2"'
    assert await service.count("contacts") == 3
    batch = await batch_of(service, first)
    assert (batch["state"], batch["attempt"], batch["failures"]) == ("committed", 2, [])
    assert batch["response"]["status"] == 201
    assert batch["metadata"] == metadata


async def test_what_is_still_wrong_is_all_that_is_left_to_mend(service: Service) -> None:
    first = await rejected(service, BAD, JIM, BAD, BAD)
    second = await mend(
        service, first, {"index": 0, "item": contact(0)}, {"index": 2, "item": {"email": "z"}}
    )
    assert (second.status, second.body["result"]) == (422, "failure")
    assert second.body["metadata"]["invalidItems"] == [2, 3]
    assert [each["rawData"] for each in second.body["failures"]] == [{"email": "z"}, BAD]
    assert (second.body["metadata"]["attempt"], second.headers["ETag"]) == (2, '"2"')
    assert await service.count("contacts") == 0
    third = await mend(service, first, {"index": 2, "item": contact(2)}, {"index": 3, "drop": True})
    assert third.status == 200
    assert third.body["metadata"]["attempt"] == 3
    assert [each["email"] for each in third.body["data"]] == [
        "c0@example.com",
        "jim@example.com",
        "c2@example.com",
    ]


async def test_valid_and_dropped_items_can_be_changed_too(service: Service) -> None:
    first = await rejected(service, JIM, BAD, ANN, BAD)
    await mend(service, first, {"index": 1, "drop": True}, {"index": 2, "drop": True})
    reply = await mend(
        service,
        first,
        {"index": 0, "item": {**JIM, "first_name": "James"}},
        {"index": 1, "item": contact(1)},
        {"index": 3, "drop": True},
    )
    assert reply.status == 200
    assert reply.body["metadata"]["droppedItems"] == [2, 3]
    assert [each["first_name"] for each in reply.body["data"]] == ["James", "C1"]


async def test_all_that_stored_data_refuses_is_named_with_what_is_invalid(service: Service) -> None:
    await service.post("contacts", [JIM])
    first = await rejected(service, JIM, BAD, ANN, ANN)
    assert first.codes[0] == [(40903, "email")]
    assert first.codes[3] == [(40904, "email")]
    again = await mend(service, first, {"index": 1, "item": {"email": "q"}})
    assert again.body["metadata"]["invalidItems"] == [0, 1, 3]
    # The first of two equal items gives its value up: the second is right as it is.
    again = await mend(service, first, {"index": 2, "item": contact(2)})
    assert again.body["metadata"]["invalidItems"] == [0, 1]
    reply = await mend(
        service, first, {"index": 0, "item": contact(0)}, {"index": 1, "item": contact(1)}
    )
    assert reply.status == 200
    assert [each["email"] for each in reply.body["data"]] == [
        "c0@example.com",
        "c1@example.com",
        "c2@example.com",
        "ann@example.com",
    ]


async def test_a_batch_that_stored_data_refuses_at_commit_is_kept(
    service: Service, operator: Pool
) -> None:
    jim = await service.post("contacts", [JIM])
    first = await rejected(service, ANN, JIM, idempotency_key="k")
    assert (await batch_of(service, first))["state"] == "failed"
    assert await stored(operator, "ingest.payloads") == 2
    # Whoever mends it is told again where nothing was mended.
    again = await mend(service, first)
    assert (again.status, again.body["metadata"]["attempt"]) == (422, 2)
    assert again.codes == {1: [(40903, "email")]}
    assert again.body["metadata"]["repairable"] is True
    await service.delete("contacts", [jim.body["data"][0]["id"]])
    reply = await mend(service, first)
    assert (reply.status, reply.body["metadata"]["attempt"]) == (200, 3)
    assert reply.body["metadata"]["created"] == 2
    replay = await service.post("contacts", [ANN, JIM], prefer=KEEP, idempotency_key="k")
    assert replay.error == (40901, "idempotency_replayed")


async def test_updates_and_deletes_are_mended_as_well(service: Service) -> None:
    [jim, ann] = (await service.post("contacts", [JIM, ANN])).body["data"]
    change = {"id": jim["id"], "age": 30}
    first = await service.patch("contacts", [change, {"id": ann["id"], "age": "old"}], prefer=KEEP)
    reply = await mend(service, first, {"index": 1, "item": {"id": ann["id"], "age": 42}})
    assert (reply.status, reply.body["metadata"]["updated"]) == (200, 2)
    first = await service.delete("contacts", [jim["id"], "nobody"], prefer=KEEP)
    assert first.status == 422
    reply = await mend(service, first, {"index": 1, "item": ann["id"]})
    assert (reply.status, reply.body["metadata"]["deleted"]) == (200, 2)


async def test_everything_may_be_dropped(service: Service) -> None:
    first = await rejected(service, BAD, JIM)
    reply = await mend(service, first, {"index": 0, "drop": True}, {"index": 1, "drop": True})
    assert (reply.status, reply.body["metadata"]["validItems"]) == (200, [])
    assert reply.body["metadata"]["droppedItems"] == [0, 1]
    assert await service.count("contacts") == 0


async def test_nothing_is_kept_that_was_not_to_be(api: Service, operator: Pool) -> None:
    plain = await api.post("contacts", [JIM, BAD])
    lenient = await api.post("contacts", [BAD], prefer=f"{KEEP}, handling=lenient")
    for reply in (plain, lenient):
        assert "repairable" not in reply.body["metadata"]
        assert KEEP not in reply.headers.get("Preference-Applied", "")
        again = await mend(api, reply, {"index": 0, "item": JIM})
        assert (again.status, again.error) == (409, (40905, "not_repairable"))
        assert again.headers["Location"] == place(reply).removesuffix("/items")
    dry = await api.post("contacts?dryRun=true", [JIM, BAD], prefer=KEEP)
    assert dry.status == 422
    assert await stored(operator, "ingest.payloads") == 0


async def test_two_menders(service: Service) -> None:
    first = await rejected(service, JIM, BAD, BAD)
    one = await mend(service, first, {"index": 1, "item": contact(1)}, if_match='"1"')
    assert (one.status, one.headers["ETag"]) == (422, '"2"')
    other = await mend(service, first, {"index": 1, "drop": True}, if_match='"1"')
    assert (other.status, other.error) == (412, (41202, "attempt_mismatch"))
    assert (await batch_of(service, first))["metadata"]["droppedItems"] == []
    for attempt, tag in enumerate(('"2"', 'W/"3"', "4", '"1", "5"', "*"), 3):
        reply = await mend(service, first, if_match=tag)
        assert (reply.status, reply.body["metadata"]["attempt"]) == (422, attempt)
    late = await service.request(
        "DELETE", place(first).removesuffix("/items"), if_match='"nonsense"'
    )
    assert late.status == 412
    done = await mend(service, first, {"index": 2, "drop": True}, if_match='"7"')
    assert done.status == 200
    again = await mend(service, first, {"index": 2, "drop": True}, if_match='"7"')
    assert again.status == 412
    assert (await mend(service, first, {"index": 2, "drop": True})).error[0] == 40905


NO_CHANGES: list[tuple[list[Any], int, str]] = [
    ([{"index": 3, "item": JIM}], 40002, "There is no item 3"),
    ([{"index": 1, "item": JIM}, {"index": 1, "drop": True}], 40002, "changed twice"),
    ([{"index": -1, "item": JIM}], 40001, "Element 0"),
    ([{"index": 1, "item": JIM}, {"index": True, "drop": True}], 40001, "Element 1"),
    ([{"index": 1}], 40001, "Element 0"),
    ([{"index": 1, "drop": False}], 40001, "Element 0"),
    ([{"index": 1, "item": JIM, "more": 1}], 40001, "Element 0"),
    ([{"index": 2**40, "drop": True}], 40001, "Element 0"),
    ([JIM], 40001, "Element 0"),
    (["x"], 40001, "Element 0"),
]


async def test_what_is_no_change_changes_nothing(api: Service, operator: Pool) -> None:
    first = await rejected(api, JIM, BAD, BAD)
    before = await batch_of(api, first)
    for changes, code, said in NO_CHANGES:
        reply = await mend(api, first, *changes)
        assert (reply.status, reply.error[0]) == (400, code), changes
        assert said in reply.body["message"], changes
    after = await batch_of(api, first)
    assert {**after, "response": None} == {**before, "response": None}
    assert await stored(operator, "ingest.changes") == 0
    assert await stored(operator, "ingest.batches") == 1


async def test_the_key_of_a_kept_batch_points_at_it(service: Service) -> None:
    items = [JIM, BAD]
    first = await rejected(service, *items, idempotency_key="k")
    where = place(first).removesuffix("/items")

    async def retry(body: Any, **options: Any) -> Reply:
        prefer = ", ".join([KEEP, *options.values()])
        return await service.post("contacts", body, prefer=prefer, idempotency_key="k")

    for state in ("rejected", "committed"):
        assert (await batch_of(service, first))["state"] == state
        again = await retry(items)
        assert (again.status, again.error[0]) == (409, 40901)
        assert again.headers["Location"] == where
        assert (await retry([JIM, ANN])).error[0] == 42220
        returned = await retry(items, more="replay=return")
        assert returned.headers["Idempotency-Replayed"] == "true"
        assert returned.status == (422 if state == "rejected" else 201)
        if state == "rejected":
            assert (await mend(service, first, {"index": 1, "item": ANN})).status == 200
    assert await service.count("contacts") == 2


async def test_a_batch_that_is_given_up_frees_its_key(service: Service, operator: Pool) -> None:
    first = await rejected(service, JIM, BAD, idempotency_key="k")
    where = place(first).removesuffix("/items")
    reply = await service.request("DELETE", where, if_match='"1"')
    assert (reply.status, reply.body["data"]["repairable"]) == (200, False)
    assert (await service.request("DELETE", where)).error[0] == 40905
    assert (await mend(service, first, {"index": 1, "drop": True})).error[0] == 40905
    assert await stored(operator, "ingest.payloads") == 0
    assert (await service.post("contacts", [JIM], idempotency_key="k")).status == 201


async def test_an_answer_that_does_not_wait(api: Service) -> None:
    first = await rejected(api, JIM, BAD)
    reply = await mend(api, first, {"index": 1, "item": ANN}, prefer="respond-async, repair=keep")
    assert (reply.status, reply.body["result"]) == (202, "accepted")
    assert reply.headers["Location"] == place(first).removesuffix("/items")
    assert reply.headers["Preference-Applied"] == "respond-async"
    assert reply.body["metadata"]["attempt"] == 2
    first = await rejected(api, contact(1), BAD)
    reply = await mend(api, first, {"index": 1, "drop": True}, prefer="respond-async")
    assert reply.body["message"] == "1 item accepted; the batch is not yet committed"


async def corrected(service: Service, reply: Reply, extension: str) -> bytes:
    path = place(reply).replace("/items", f"/failures.{extension}")
    headers = {"Authorization": f"Bearer {service.token}"}
    async with service.client.get(path, headers=headers) as response:
        assert response.status == 200
        return (
            (await response.read())
            .replace(b'"x"', b'"x@example.com"')
            .replace(b"\nx,", b"\nx@example.com,")
        )


@pytest.mark.parametrize(
    ("extension", "media_type"),
    [("json", "application/json"), ("ndjson", "application/x-ndjson"), ("csv", "text/csv")],
)
async def test_the_file_of_failures_corrected_as_it_is(
    service: Service, extension: str, media_type: str
) -> None:
    wrong = {"email": "x", "first_name": "X", "tags": ["a"]}
    first = await rejected(service, JIM, wrong, ANN)
    body = await corrected(service, first, extension)
    reply = await service.request("PATCH", place(first), data=body, content_type=media_type)
    assert reply.status == 200, reply.body
    assert reply.body["data"][1]["email"] == "x@example.com"
    assert reply.body["data"][1]["tags"] == ["a"]
    assert reply.body["metadata"]["created"] == 3


async def test_rows_of_csv_are_dropped_and_unchanged_ones_fail_again(service: Service) -> None:
    csv = "email,first_name\njim@example.com,Jim\nx,X\ny,Y\ntoo,many,cells\n"
    options: dict[str, Any] = {"data": csv, "content_type": "text/csv", "prefer": KEEP}
    first = await service.request("POST", "/v1/contacts", **options)
    assert first.body["metadata"]["invalidItems"] == [1, 2, 3]
    body = (await corrected(service, first, "csv")).decode()
    head, *rows = body.splitlines()
    assert head.endswith(",error_row,error_index,error_drop")
    assert [row.split(",")[-2:] for row in rows] == [["1", ""], ["2", ""], ["3", ""]]
    path, sent = place(first), {"content_type": "text/csv"}
    rows[1] += "TRUE"
    part = "\n".join([head, *reversed(rows)])
    reply = await service.request("PATCH", path, data=part, **sent)
    assert (reply.status, reply.body["metadata"]["invalidItems"]) == (422, [3])
    assert reply.body["failures"][0]["rawData"] == ["too", "many", "cells"]
    assert reply.body["metadata"]["droppedItems"] == [2]
    part = "email,first_name,error_index\nz@example.com,Z,3\n"
    reply = await service.request("PATCH", path, data=part, **sent)
    assert reply.status == 200
    assert await service.count("contacts") == 3


async def test_empty_cells_mean_what_they_meant(service: Service) -> None:
    sent = {"content_type": "text/csv", "prefer": KEEP}
    csv = "email,first_name,last_name\nx,X,\n"
    first = await service.request("POST", "/v1/contacts?emptyAs=null", data=csv, **sent)
    assert first.body["failures"][0]["rawData"]["last_name"] is None
    body = (await corrected(service, first, "csv")).replace(b",X,", b",,")
    reply = await service.request("PATCH", place(first), data=body, content_type="text/csv")
    assert reply.codes == {0: [(42202, "first_name")]}


async def test_a_corrected_cell_changes_no_other_member(service: Service) -> None:
    """An upsert says nothing of what is absent, and empties what is null."""
    stored_ = contact(1, last_name="One", age=3, status="lead")
    assert (await service.post("contacts", [stored_])).status == 201
    again = {"email": "c1@example.com", "first_name": "", "last_name": None, "age": "4"}
    first = await service.request(
        "POST",
        "/v1/contacts?matching=email",
        [again],
        prefer=f"{KEEP}, resolution=merge-duplicates",
    )
    assert {error[1] for error in first.codes[0]} == {"first_name", "age"}
    body = await corrected(service, first, "csv")
    body = body.replace(b"c1@example.com,,", b"c1@example.com,Uno,")
    reply = await service.request("PATCH", place(first), data=body, content_type="text/csv")
    # What was wrong with the age is as its cell shows it: a number.
    assert reply.status == 200, reply.body
    [saved] = reply.body["data"]
    assert (saved["first_name"], saved["last_name"], saved["age"]) == ("Uno", None, 4)
    assert saved["status"] == "lead"


async def test_rows_of_csv_that_are_no_changes(api: Service) -> None:
    first = await rejected(api, JIM, BAD)
    for body, said in (
        ("email,first_name\na@b.cd,A\n", "error_index"),
        ("email,first_name,error_index\na@b.cd,A,\n", "error_index"),
        ("email,first_name,error_index\na@b.cd,A,-1\n", "error_index"),
        ("email,first_name,error_index,error_drop\na@b.cd,A,1,perhaps\n", "error_drop"),
    ):
        reply = await api.request("PATCH", place(first), data=body, content_type="text/csv")
        assert reply.error[0] == 40001, body
        assert said in reply.body["message"], body


async def test_formats_of_repairs(api: Service) -> None:
    first = await rejected(api, JIM, BAD)
    xml = await api.request("PATCH", place(first), data="<a/>", content_type="application/xml")
    assert xml.status == 415
    lines = f"{json.dumps({'index': 1, 'item': BAD})}\n\nnot json\n"
    ndjson = await api.request(
        "PATCH", place(first), data=lines, content_type="application/x-ndjson"
    )
    assert (ndjson.status, ndjson.error[0]) == (400, 40001)
    assert "Line 3" in ndjson.body["error"]["description"]
    yaml = await api.request(
        "PATCH",
        place(first),
        data="- {index: 1, item: {email: q}}",
        content_type="application/yaml",
    )
    assert yaml.status == 422
    assert yaml.body["failures"][0]["rawData"] == {"email": "q"}


@configured(max_backlog_bytes=100_000)
async def test_an_account_keeps_no_more_than_it_may(
    api: Service, rival: Service, operator: Pool
) -> None:
    def item(size: int) -> dict[str, str]:
        return {"name": f"of {size}", "text": "x" * size}  # stored twice, as it has no column

    async def refused(service: Service, size: int) -> Reply:
        return await service.post("loose", [item(size), {"name": 1}], prefer=KEEP)

    first, small = await refused(api, 15_000), await refused(api, 1_000)
    assert first.body["metadata"]["repairable"] is True
    assert small.body["metadata"]["repairable"] is True
    third = await refused(api, 1_900)
    assert (third.status, third.body["metadata"]["repairable"]) == (422, False)
    assert "Preference-Applied" not in third.headers
    grown = await mend(api, first, {"index": 0, "item": item(24_000)})
    assert (grown.status, grown.error[0]) == (413, 41301)
    assert (await batch_of(api, first))["attempt"] == 1
    theirs = await refused(rival, 1_900)
    assert theirs.body["metadata"]["repairable"] is True
    # What is kept stands in no write's way, and what is given up makes room.
    assert (await api.post("contacts", [ANN], prefer="respond-async")).status == 202
    await api.request("DELETE", place(small).removesuffix("/items"))
    grown = await mend(api, first, {"index": 0, "item": item(24_000)})
    assert (grown.status, grown.body["metadata"]["attempt"]) == (422, 2)
    assert await stored(operator, "ingest.changes") == 0


async def test_every_dialect_answers_repairs(service: Service) -> None:
    first = await rejected(service, JIM, BAD, BAD)
    batch = place(first)
    change, drop = {"index": 1, "item": {"email": "z"}}, {"index": 2, "drop": True}

    async def asked(path: str, dialect: str, **options: Any) -> Reply:
        accept = f"application/json; dialect={dialect}"
        return await service.request("PATCH", path, [change, drop], accept=accept, **options)

    data = await asked(batch, "data")
    assert (data.status, data.body["metadata"]["droppedItems"]) == (400, [2])
    named = await asked(f"{batch}.json", "status")
    assert (named.status, named.body["error_name"]) == (400, "invalid_items")
    own = await asked(batch, "collection", if_match='"1"')
    assert (own.status, own.body["error"]["code"]) == (422, 41202)
    rpc = await asked(batch, "rpc", if_match='"1"')
    assert (rpc.status, rpc.body["error"]) == (200, 409)
    mapped = await service.request("PATCH", f"{batch.replace('/v1', '/api')}.json", [change])
    assert mapped.status == 200
    assert mapped.body["status"] in (42201, 42204)
    problem = await service.request(
        "PATCH", batch, [change], accept="application/problem+json", if_match='"7"'
    )
    assert (problem.status, problem.body["title"]) == (412, "Attempt mismatch")
    change = {"index": 1, "item": ANN}
    done = await asked(batch, "data")
    assert (done.status, len(done.body["data"])) == (200, 2)
    shown = await service.get(
        batch.removeprefix("/v1/").removesuffix("/items"),
        accept="application/json; dialect=rpc",
    )
    results = shown.body["data"]["response"]["body"]["result"]
    assert [each["error"] for each in results] == [0, 0, 400]
