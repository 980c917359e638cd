"""Values of every type through POST, the table and GET; what a user's schema code does."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from ingest.store.pool import Pool
from tests.harness import Colour, EverythingSchema, Service

FULL: dict[str, Any] = {
    "code": -7,
    "the text": "quotes \" ' \\ and \u2028 and 😀 and \x7f",
    "integer": 42,
    "float": 1e-7,
    "decimal": 12.5,
    "boolean": False,
    "uuid": "0191d7a0-0000-7000-8000-00000000abcd",
    "moment": "2026-11-22T10:00:00.123456+00:00",
    "naive": "0001-01-01T00:00:00.000001",
    "aware": "2026-11-22 10:00:00+0000",
    "date": "9999-12-31",
    "time": "23:59:59.999999",
    "ip": "2001:db8::1",
    "by_name": "red",
    "by_value": 2,
    "url": "https://example.com/?q=ä",
    "address": {"city": "Rome", "zip": "12345"},
    "addresses": [{"city": "Oslo"}, {"city": "", "zip": "00000"}],
    "scores": {"a b": 1, "": -1},
    "pair": ["x", 7],
    "anything": {"deep": [1, 2.5, None, True, {"x": []}], "": "é"},
    "secret": "s3cret",
    "renamed": "Jim",
    "xmin": 1,
    "$account": "mine",
    'quo"te': "'; DROP TABLE x; --",
    "n" * 80: "long",
}
SPARSE = {"code": 1}
NULLS = {"code": 2, "the text": None, "anything": None}
EMPTY = {"code": 3, "the text": "", "addresses": [], "scores": {}, "anything": "", "renamed": ""}
TYPES = {"code": 4, "anything": [], "decimal": 0, "float": 5, "ip": "10.0.0.1", "by_value": 1}


def dumped(item: dict[str, Any]) -> dict[str, Any]:
    """`schema.dump(schema.load(item))` as JSON; what holds nothing is null where it may be."""
    schema = EverythingSchema()
    shown = schema.dump(schema.load(item))
    shown["decimal"] = None if shown.get("decimal") is None else float(shown["decimal"])
    given = json.loads(json.dumps(shown))
    names = {
        field.data_key or name: field
        for name, field in schema.fields.items()
        if not field.load_only
    }
    return {
        name: given.get(name)
        for name, field in names.items()
        if field.allow_none or given.get(name) is not None
    }


async def test_what_goes_in_comes_out_as_the_schema_dumps_it(service: Service) -> None:
    items = [FULL, SPARSE, NULLS, EMPTY, TYPES]
    posted = await service.post("everything", items)
    assert posted.status == 201, posted.body
    for item, shown in zip(items, posted.body["data"], strict=True):
        assert shown == dumped(item)
        assert (await service.get(f"everything/{item['code']}")).body["data"] == shown
        assert list(shown) == list(dumped(item))
    listed = (await service.get("everything")).body["data"]
    assert {item["code"]: item for item in listed} == {
        item["code"]: item for item in posted.body["data"]
    }
    deleted = await service.delete("everything", [item["code"] for item in items])
    assert deleted.body["data"] == posted.body["data"]


async def test_each_column_has_its_type(service: Service, operator: Pool) -> None:
    assert (await service.post("everything", FULL)).status == 201
    async with operator.connection() as connection:
        row = dict(await connection.fetchrow("SELECT * FROM collections.everything") or {})
    assert row["text"] == FULL["the text"]
    assert row["decimal"] == Decimal("12.5")
    assert row["boolean"] is False
    assert row["moment"] == dt.datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=dt.UTC)
    assert row["naive"] == dt.datetime.fromisoformat(FULL["naive"])
    assert row["date"] == dt.date.max
    assert row["time"] == dt.time.max
    assert str(row["ip"]) in ("2001:db8::1", "2001:db8::1/128")
    assert (row["by_name"], row["by_value"]) == (Colour.red.name, Colour.blue.name)
    assert json.loads(row["address"]) == FULL["address"]
    assert row["secret"] == "s3cret"
    assert row["renamed"] == "Jim"
    assert row["$account"] == "acme"


async def test_a_load_only_field_is_never_shown(service: Service) -> None:
    replies = [
        await service.post("everything", {"code": 1, "secret": "s3cret"}),
        await service.patch("everything", {"code": 1, "secret": "s3cret2"}),
        await service.get("everything"),
        await service.get("everything/1"),
        await service.delete("everything", [1]),
    ]
    assert replies[1].body["metadata"]["outcomes"] == ["updated"]
    for reply in replies:
        assert reply.status in (200, 201)
        assert "secret" not in str(reply.body["data"])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2026-11-22T12:00:00+02:00", "2026-11-22T10:00:00+00:00"),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00+00:00"),
    ],
)
async def test_a_moment_is_shown_in_utc(service: Service, given: str, shown: str) -> None:
    reply = await service.post("everything", {"code": 1, "moment": given})
    assert reply.body["data"][0]["moment"] == shown


async def test_a_moment_without_an_offset_says_what_to_do(api: Service) -> None:
    reply = await api.post("everything", {"code": 1, "moment": "2026-11-22T10:00:00"})
    assert reply.codes == {0: [(42209, "moment")]}
    (error,) = reply.body["failures"][0]["errors"]
    assert "offset" in error["description"]
    assert "NaiveDateTime" in error["description"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_moment_outside_the_calendar_in_utc_is_not_storable(
    api: Service, moment: str
) -> None:
    reply = await api.post("everything", {"code": 1, "moment": moment})
    assert reply.codes == {0: [(42209, "moment")]}


async def test_objects_of_the_user_are_stored_as_the_schema_dumps_them(
    service: Service, operator: Pool
) -> None:
    people = [{"name": "Jo", "born": "2000-02-29", "ignored": 1}, {"name": "Al"}]
    reply = await service.post("people", people)
    assert reply.body["data"] == [
        {"name": "Jo", "born": "2000-02-29"},
        {"name": "Al", "born": None},
    ]
    async with operator.connection() as connection:
        born = await connection.fetchval("SELECT born FROM collections.people WHERE name = 'Jo'")
    assert born == dt.date(2000, 2, 29)
    patched = await service.patch("people", {"name": "Al", "born": "1999-01-01"})
    assert patched.body["data"] == [{"name": "Al", "born": "1999-01-01"}]
    same = await service.patch("people", {"name": "Jo"})
    assert same.body["data"] == [{"name": "Jo", "born": "2000-02-29"}]


async def test_an_exception_of_the_users_code_is_that_items_failure_and_is_logged(
    api: Service,
) -> None:
    context = [structlog.contextvars.merge_contextvars]
    with capture_logs(processors=context) as lines:
        reply = await api.post("people", [{"name": "Jo"}, {"name": "boom", "born": "secret text"}])
    assert reply.status == 422
    assert reply.codes == {1: [(42210, None)]}
    assert reply.body["failures"][0]["errors"][0]["name"] == "invalid"
    (line,) = [line for line in lines if line["log_level"] == "warning"]
    assert line["error"] == "RuntimeError"
    assert line["trace_id"] == reply.headers["X-Trace-Id"]
    assert "secret text" not in str(lines)
    assert "boom" not in str(lines)


async def test_unknown_fields_are_kept_where_the_schema_keeps_them(
    service: Service, operator: Pool
) -> None:
    reply = await service.post("loose", {"name": "Jo", "huh": {"a": [1, None]}, "name2": "x"})
    assert reply.status == 201
    async with operator.connection() as connection:
        kept = await connection.fetchval('SELECT "$extra" FROM collections.loose')
    assert json.loads(kept) == {"huh": {"a": [1, None]}, "name2": "x"}
    bad = await service.post("loose", {"name": "Al", "huh": {"a": ["\0"]}})
    assert bad.codes == {0: [(42209, "huh.a.0")]}
