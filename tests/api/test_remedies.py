"""POST /v1/batches/{id}:repair: remedies of a digest, on request only (contract 2)."""

import json
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.shared import send
from tests.harness import Reply, Service

CSV = (
    "title;value;currency;expected_on\n"
    "Good;1;EUR;\n"
    "Bridge;1.200,50;EUR;24.12.2026\n"
    "Tunnel;7,25;EUR;\n"
    "Tower;12,5;EUR;03.04.2026\n"
)
REPEATED = CSV.replace("Tower", "title;value;currency;expected_on\nTower")


async def kept(service: Service, body: str = CSV, content_type: str = "text/csv") -> str:
    reply = await send(service, "deals", body, content_type=content_type, prefer="repair=keep")
    assert (reply.status, reply.body["metadata"]["repairable"]) == (422, True), reply.body
    batch: str = reply.body["metadata"]["batchId"]
    return batch


async def offered(service: Service, batch: str) -> dict[str, str]:
    """The ids of the remedies that there are, by cause and field."""
    reply = await service.get(f"batches/{batch}/digest")
    return {
        f"{group['cause']['name']} {group['field']}": group["remedy"]["id"]
        for group in reply.body["data"]["groups"]
        if "remedy" in group
    }


async def apply(service: Service, batch: str, ids: Any, **options: Any) -> Reply:
    path = f"/v1/batches/{batch}:repair"
    return await service.request("POST", path, {"remedies": ids}, **options)


async def test_remedies_mend_a_batch_and_save_it(service: Service) -> None:
    batch = await kept(service)
    ids = await offered(service, batch)
    assert {*ids} == {"decimal_comma value", "day_month_order expected_on"}
    reply = await apply(service, batch, [*ids.values()])
    assert (reply.status, reply.body["result"]) == (200, "success"), reply.body
    metadata = reply.body["metadata"]
    assert (metadata["batchId"], metadata["created"], metadata["attempt"]) == (batch, 4, 2)
    saved = [(each["title"], each["value"], each["expected_on"]) for each in reply.body["data"]]
    assert saved == [
        ("Good", "1", None),
        ("Bridge", "1200.50", "2026-12-24"),
        ("Tunnel", "7.25", None),
        ("Tower", "12.5", "2026-04-03"),
    ]
    assert reply.headers["ETag"] == '"2"'
    again = await apply(service, batch, [*ids.values()])
    assert (again.status, again.error) == (409, (40905, "not_repairable"))


async def test_one_remedy_leaves_the_rest_to_be_repaired(service: Service) -> None:
    batch = await kept(service, REPEATED)
    ids = await offered(service, batch)
    assert {*ids} == {"repeated_header currency"}
    first = await apply(service, batch, [*ids.values()])
    metadata = first.body["metadata"]
    assert (first.status, metadata["attempt"], metadata["droppedItems"]) == (422, 2, [3])
    assert metadata["invalidItems"] == [1, 2, 4]
    rest = await offered(service, batch)
    assert {*rest} == {"decimal_comma value", "day_month_order expected_on"}
    changes = [{"index": 2, "drop": True}]
    patched = await service.request("PATCH", f"/v1/batches/{batch}/items", changes)
    assert patched.body["metadata"]["invalidItems"] == [1, 4]
    last = await apply(service, batch, [*rest.values()])
    assert (last.status, last.body["metadata"]["created"]) == (200, 3)


async def test_rows_with_one_delimiter_too_many(service: Service) -> None:
    batch = await kept(service, "title;value\nA;1;\nB;2;\n")
    ids = await offered(service, batch)
    assert {*ids} == {"extra_cells None"}
    reply = await apply(service, batch, [*ids.values()])
    assert reply.status == 200, reply.body
    assert [(each["title"], each["value"]) for each in reply.body["data"]] == [
        ("A", "1"),
        ("B", "2"),
    ]


async def test_what_is_not_proven_any_more_is_not_applied(service: Service) -> None:
    """Without the one day above 12 nothing tells days from months."""
    batch = await kept(service)
    ids = await offered(service, batch)
    changes = [{"index": 1, "drop": True}]
    await service.request("PATCH", f"/v1/batches/{batch}/items", changes)
    reply = await apply(service, batch, [ids["day_month_order expected_on"]])
    assert (reply.status, reply.error[0]) == (400, 40002)


async def test_nothing_is_applied_that_is_not_offered(service: Service) -> None:
    batch = await kept(service)
    ids = await offered(service, batch)
    for unknown in ("decimal_comma", "decimal_comma-000000000000", "", "*"):
        reply = await apply(service, batch, [ids["decimal_comma value"], unknown])
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter"))
        assert ids["decimal_comma value"] in reply.body["error"]["description"]
    shown = await service.get(f"batches/{batch}")
    assert shown.body["data"]["attempt"] == 1


@pytest.mark.parametrize(
    "body", [[], {}, {"remedies": []}, {"remedies": "x"}, {"remedies": [1]}, ["x"], {"x": ["y"]}]
)
async def test_a_body_that_names_none_is_refused(service: Service, body: Any) -> None:
    batch = await kept(service)
    reply = await service.request("POST", f"/v1/batches/{batch}:repair", body)
    assert (reply.status, reply.error) == (400, (40001, "malformed_body"))


async def test_what_is_no_document_is_refused(service: Service) -> None:
    batch = await kept(service)
    path = f"/v1/batches/{batch}:repair"
    for content_type, data, code in (
        ("text/csv", b"remedies\nx\n", 41501),
        ("application/json", b"", 40001),
        ("application/json", b'{"remedies": ["' + b"x" * 70_000 + b'"]}', 41301),
        ("application/yaml", b"remedies: [x]", 40002),
    ):
        reply = await service.request("POST", path, data=data, content_type=content_type)
        assert reply.error[0] == code, reply.body


async def test_who_repaired_meanwhile_is_not_overwritten(service: Service) -> None:
    batch = await kept(service)
    ids = [*(await offered(service, batch)).values()]
    reply = await apply(service, batch, ids, if_match='"2"')
    assert (reply.status, reply.error[0]) == (412, 41202)
    path = f"/v1/batches/{batch}:repair"
    unread = await service.request("POST", path, data=b"{", if_match='"2"')
    assert (unread.status, unread.error[0]) == (412, 41202)  # before the body (RFC 9110, 13.2.1)
    assert (await apply(service, batch, ids, if_match='"1"')).status == 200


async def test_who_could_not_send_the_batch_repairs_nothing(
    service: Service, operator: Pool
) -> None:
    batch = await kept(service)
    ids = [*(await offered(service, batch)).values()]
    _, token = await create_token(operator, "acme", "reads", role="reader")
    reader = Service(service.client, token)
    assert await offered(reader, batch) != {}
    reply = await apply(reader, batch, ids)
    assert (reply.status, reply.error[0]) == (403, 40301)


async def test_what_a_mender_does_not_see_is_kept(service: Service, operator: Pool) -> None:
    """A `load_only` value is in the item that another token mends."""
    item = {"code": 7, "secret": "s3cret", "decimal": "1,5", "scores": {}}
    first = await service.post("everything", [item], prefer="repair=keep")
    batch = first.body["metadata"]["batchId"]
    _, token = await create_token(operator, "acme", "another")
    other = Service(service.client, token)
    ids = await offered(other, batch)
    reply = await apply(other, batch, [*ids.values()])
    assert reply.status == 200, reply.body
    assert "s3cret" not in json.dumps(reply.body)
    async with operator.connection() as connection:
        found = await connection.fetchval("SELECT secret FROM collections.everything")
    assert found == "s3cret"


async def test_the_log_says_which_remedy_changed_what(service: Service) -> None:
    batch = await kept(service)
    ids = await offered(service, batch)
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await apply(service, batch, [*ids.values()])
    found = [line for line in lines if line["event"] == "remedy applied"]
    assert [(line["remedy"], line["changed"], line["items"]) for line in found] == [
        (ids["decimal_comma value"], 3, "1-3"),
        (ids["day_month_order expected_on"], 2, "1, 3"),
    ]
    assert found[0]["transform"] == {"op": "decimal_comma", "field": "value"}
    assert (found[0]["batch"], found[0]["collection"]) == (batch, "deals")


async def test_each_dialect_has_its_answer(service: Service) -> None:
    for dialect in ("data", "hash", "status", "rpc", "collection"):
        batch = await kept(service)
        ids = [*(await offered(service, batch)).values()]
        extension = ".json" if dialect in ("hash", "status") else ""
        reply = await service.request(
            "POST",
            f"/v1/batches/{batch}:repair{extension}",
            {"remedies": ids},
            accept=f"application/json; dialect={dialect}",
        )
        assert reply.status == 200, (dialect, reply.body)
        shown = await service.get(f"batches/{batch}")
        assert shown.body["data"]["state"] == "committed"


async def test_a_long_batch_is_mended_over_many_pages(service: Service) -> None:
    lines = [
        json.dumps({"title": f"T{index}", "value": f"{index},5" if index % 5 else index})
        for index in range(6_000)
    ]
    batch = await kept(service, "\n".join(lines), "application/x-ndjson")
    ids = [*(await offered(service, batch)).values()]
    reply = await apply(service, batch, ids, prefer="return=minimal, wait=60")
    assert (reply.status, reply.body["metadata"]["created"]) == (200, 6_000), reply.body
    assert await service.count("deals") == 6_000


async def test_a_batch_that_is_not_kept(service: Service) -> None:
    reply = await send(service, "deals", CSV, content_type="text/csv")
    batch = reply.body["metadata"]["batchId"]
    ids = [*(await offered(service, batch)).values()]
    refused = await apply(service, batch, ids)
    assert (refused.status, refused.error) == (409, (40905, "not_repairable"))
