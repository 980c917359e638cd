"""`field=value` on lists: every type of column, and values that none of them takes."""

from typing import Any

import pytest

from tests.harness import Service

UUID = "0191d7a0-0000-7000-8000-00000000abcd"
ITEM = {
    "code": 1,
    "the text": "a b+c&d=é",
    "integer": -(2**63),
    "float": 0.1,
    "decimal": "12.50",
    "boolean": True,
    "uuid": UUID,
    "moment": "2026-11-22T10:00:00.5+02:00",
    "naive": "2026-11-22T10:00:00",
    "aware": "2026-11-22 10:00:00+0000",
    "date": "2024-02-29",
    "time": "10:20:30.25",
    "ip": "2001:db8::1",
    "by_name": "blue",
    "by_value": 2,
    "url": "https://example.com/?a=1",
    "renamed": "Jim",
    "xmin": 5,
    "$account": "mine",
    'quo"te': "'; --",
    "n" * 80: "long",
}

MATCHING = [
    ("code", "1"),
    ("the text", "a b+c&d=é"),
    ("integer", "-9223372036854775808"),
    ("float", "0.1"),
    ("float", "1e-1"),
    ("decimal", "12.5"),
    ("decimal", "12.500"),
    ("boolean", "true"),
    ("uuid", UUID),
    ("uuid", UUID.upper()),
    ("moment", "2026-11-22T08:00:00.5Z"),
    ("moment", "2026-11-22T10:00:00.5+02:00"),
    ("naive", "2026-11-22T10:00:00"),
    ("aware", "2026-11-22T10:00:00Z"),
    ("date", "2024-02-29"),
    ("time", "10:20:30.25"),
    ("ip", "2001:db8::1"),
    ("ip", "2001:0DB8:0::1"),
    ("by_name", "blue"),
    ("by_value", "2"),
    ("url", "https://example.com/?a=1"),
    ("renamed", "Jim"),
    ("xmin", "5"),
    ("$account", "mine"),
    ('quo"te', "'; --"),
    ("n" * 80, "long"),
]

OTHER = [
    ("code", "2"),
    ("the text", "a b"),
    ("the text", ""),
    ("integer", "9223372036854775807"),
    ("float", "0.10000000000000002"),
    ("decimal", "12.50000000000000000000000000001"),
    ("boolean", "false"),
    ("moment", "2026-11-22T10:00:00.5Z"),
    ("date", "2024-02-28"),
    ("ip", "10.0.0.1"),
    ("by_name", "red"),
    ('quo"te', "' OR '1'='1"),
]

ILLEGAL = [
    ("code", "x"),
    ("code", ""),
    ("code", "1.0"),
    ("code", "1_0"),
    ("code", "9223372036854775808"),
    ("float", "x"),
    ("float", "nan"),
    ("float", "inf"),
    ("float", "1_0"),
    ("decimal", "x"),
    ("decimal", "NaN"),
    ("decimal", "Infinity"),
    ("decimal", "1e999999"),
    ("boolean", "maybe"),
    ("uuid", "x"),
    ("moment", "yesterday"),
    ("moment", "2026-11-22T10:00:00"),
    ("moment", "9999-12-31T23:59:59-23:00"),
    ("moment", "0001-01-01T00:00:00+23:00"),
    ("naive", "2026-11-22T10:00:00Z"),
    ("date", "2023-02-29"),
    ("date", "x"),
    ("time", "25:00"),
    ("time", "10:00:00Z"),
    ("ip", "300.0.0.1"),
    ("ip", "x"),
    ("by_name", "green"),
    ("by_name", "2"),
    ("by_value", "blue"),
    ("the text", "nul\0"),
]


@pytest.fixture
async def everything(service: Service) -> Service:
    reply = await service.post("everything", [ITEM, {"code": 77}])
    assert reply.status == 201, reply.body
    return service


async def _found(service: Service, name: str, value: Any) -> list[int]:
    reply = await service.get("everything", params={name: value})
    assert reply.status == 200, (name, value, reply.body)
    assert reply.body["metadata"]["recordsCount"] == len(reply.body["data"])
    return [item["code"] for item in reply.body["data"]]


async def test_every_type_of_column_can_be_filtered_by(everything: Service) -> None:
    for name, value in MATCHING:
        assert await _found(everything, name, value) == [1], (name, value)


async def test_a_value_that_nothing_has_finds_nothing(everything: Service) -> None:
    for name, value in OTHER:
        assert await _found(everything, name, value) == [], (name, value)


async def test_a_value_that_the_type_does_not_have_is_refused(api: Service) -> None:
    for name, value in ILLEGAL:
        reply = await api.get("everything", params={name: value})
        assert reply.status == 400, (name, value)
        assert reply.error == (40002, "invalid_parameter")
        assert repr(name) in reply.body["message"]


async def test_filters_are_combined(everything: Service) -> None:
    both = {"code": 1, "the text": "a b+c&d=é", "limit": 5}
    assert (await everything.get("everything", params=both)).body["metadata"]["recordsCount"] == 1
    either = {"code": 77, "the text": "a b+c&d=é"}
    assert (await everything.get("everything", params=either)).body["data"] == []


NO_FILTERS = (
    *("secret", "address", "scores", "anything", "text", "meta", "$batch", "inner.name"),
    *("Code", "code ", "$extra"),
)


async def test_what_is_no_scalar_field_of_clients_is_no_filter(api: Service) -> None:
    for name in NO_FILTERS:
        reply = await api.get("everything", params={name: "x"})
        assert reply.status == 400, name
        assert reply.error == (40002, "invalid_parameter")


async def test_a_plus_sign_that_was_not_escaped_is_still_an_offset(everything: Service) -> None:
    reply = await everything.client.get(
        "/v1/everything?moment=2026-11-22T10:00:00.5+02:00",
        headers={"Authorization": f"Bearer {everything.token}"},
    )
    assert [item["code"] for item in (await reply.json())["data"]] == [1]
