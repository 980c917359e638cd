"""Lists as files: every item as NDJSON or CSV, which can be sent again."""

import csv
import io
import json
from typing import Any

import pytest

from ingest.http import exports
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.shared import contact
from tests.harness import Service

NDJSON, CSV = "application/x-ndjson", "text/csv"


async def exported(
    service: Service, path: str, accept: str | None = None, **options: Any
) -> tuple[int, Any, str]:
    headers = {"Authorization": f"Bearer {options.pop('token', service.token)}"}
    headers |= {"Accept": accept} if accept else {}
    async with service.client.get(f"/v1/{path}", headers=headers, **options) as response:
        return response.status, response.headers, await response.text()


def rows_of(text: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(text, newline=""))]


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "_PAGE", 3)


async def test_all_items_come_as_ndjson(service: Service) -> None:
    await service.post("contacts", [contact(number) for number in range(10)])
    listed = (await service.get("contacts")).body["data"]
    status, headers, text = await exported(service, "contacts", NDJSON)
    assert (status, headers["Content-Type"]) == (200, NDJSON)
    assert [json.loads(line) for line in text.splitlines()] == listed
    assert (await exported(service, "contacts.ndjson"))[2] == text


async def test_what_is_exported_can_be_imported_elsewhere(service: Service, operator: Pool) -> None:
    items = [
        contact(1, tags=["a", "b"]),
        contact(2, last_name=None),
        contact(3, tags=[]),
    ]
    assert (await service.post("contacts", items)).status == 201
    listed = (await service.get("contacts")).body["data"]
    _, other = await create_token(operator, "beta", "tests")
    for accept in (NDJSON, CSV):
        _, _, text = await exported(service, "contacts", accept)
        reply = await service.request(
            "POST",
            "/v1/contacts",
            data=text.encode(),
            content_type=accept,
            token=other,
            prefer="resolution=replace",
        )
        assert reply.status == 201, reply.body
        shown = (await service.get("contacts", token=other)).body["data"]
        if accept == CSV:  # where a cell is empty, nothing is said
            for each in (*shown, *listed):
                each.pop("tags", None)
        assert shown == listed


async def test_csv_has_a_column_for_each_value(service: Service) -> None:
    items = [
        contact(1, first_name="=1+1", tags=["a", "b"]),
        contact(2, first_name='J"o\n', age=5),
    ]
    assert (await service.post("contacts", items)).status == 201
    status, headers, text = await exported(service, "contacts", CSV)
    assert (status, headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert headers["Content-Disposition"] == 'attachment; filename="contacts.csv"'
    first, second = rows_of(text)
    assert (first["first_name"], first["tags.0"], first["tags.1"], first["age"]) == (
        "'=1+1",
        "a",
        "b",
        "",
    )
    assert (second["first_name"], second["age"]) == ('J"o\n', "5")


async def test_nothing_is_a_file_with_a_header(service: Service) -> None:
    assert (await exported(service, "people", NDJSON))[2] == ""
    assert (await exported(service, "bookings?select=-guest", CSV))[2] == "id,room,slot\r\n"


async def test_filters_limits_and_places_count_as_in_lists(service: Service) -> None:
    await service.post("people", [{"name": f"n{number}"} for number in range(9)])

    async def names(query: str) -> list[str]:
        _, _, text = await exported(service, f"people?{query}", NDJSON)
        return [json.loads(line)["name"] for line in text.splitlines()]

    assert await names("limit=4") == ["n0", "n1", "n2", "n3"]
    assert await names("offset=7") == ["n7", "n8"]
    assert await names("after=n6") == ["n7", "n8"]
    assert await names("limit=2&offset=3") == ["n3", "n4"]
    assert await names("name=n5&name=n2") == ["n2", "n5"]
    assert (await exported(service, "people?limit=0", NDJSON))[0] == 400


async def test_who_may_not_read_exports_nothing(service: Service, operator: Pool) -> None:
    await service.post("people", [{"name": "Ann"}])
    _, other = await create_token(operator, "beta", "tests")
    status, _, text = await exported(service, "people", NDJSON, token=other)
    assert (status, text) == (200, "")
    assert (await exported(service, "people", NDJSON, token="none"))[0] == 401


async def test_other_dialects_have_no_files(service: Service) -> None:
    headers = {"Authorization": f"Bearer {service.token}"}
    async with service.client.get("/api/contacts.csv", headers=headers) as response:
        assert (response.status, await response.read()) == (406, b"")
