"""Numbers are never rounded: from the body through the table and back out (contract 2)."""

import json
from decimal import Decimal
from typing import Any

from ingest.exactjson import load_exact
from ingest.store.pool import Pool
from tests.api.shared import send
from tests.harness import Service

MANY = "123456789012345678901234567890.123456789012345678901234567891"

DECIMALS = [
    MANY,
    f"-{MANY}",
    "0.1",
    "0.30000000000000004",
    "0.300000000000000000000000000001",
    "123456789012345678",
    "12345678901234567890123456789012345678901234567890",
    "1e30",
    "9007199254740993",
    "9007199254740993.0",
    "9007199254740993e0",
    "9007199254740993e-16",
    "1.7976931348623157e308",
    "1e-400",
    "5e-324",
    "1.23456789012345e-320",
    "0.1000000000000000055511151231257827021181583404541015625",
    "0",
    "1.10",
]


async def _texts(service: Service, path: str) -> Any:
    """The document at a path, its numbers as they were written."""
    headers = {"Authorization": f"Bearer {service.token}"}
    async with service.client.get(f"/v1/{path}", headers=headers) as response:
        assert response.status == 200
        return load_exact(await response.read())


async def test_a_decimal_keeps_every_digit(service: Service, operator: Pool) -> None:
    for number, text in enumerate(DECIMALS):  # each in a body of its own: digits are looked for
        reply = await send(service, "everything", f'{{"code": {number}, "decimal": {text}}}')
        assert reply.status == 201, (text, reply.body)
    query = 'SELECT "decimal"::text FROM collections.everything ORDER BY code'
    async with operator.connection() as connection:
        found = [row[0] for row in await connection.fetch(query)]
    for text, stored in zip(DECIMALS, found, strict=True):
        assert Decimal(stored) == Decimal(text), text
    document = await _texts(service, "everything")
    for text, item in zip(DECIMALS, document["data"], strict=True):
        shown = item["decimal"]
        assert Decimal(shown if isinstance(shown, Decimal | int) else repr(shown)) == Decimal(text)


async def test_decimals_as_text_keep_every_digit_too(service: Service) -> None:
    value = "123456789012.12345678901234567890"
    reply = await service.post("deals", {"title": "Big", "value": value})
    assert reply.body["data"][0]["value"] == value
    listed = await service.get("deals", params={"value": value})
    assert [deal["value"] for deal in listed.body["data"]] == [value]


async def test_integers_of_64_bits_are_exact(service: Service) -> None:
    for value in (2**63 - 1, -(2**63), 2**53 + 1, 0):
        item = {"code": value, "integer": value, "anything": [value]}
        assert (await service.post("everything", item)).status == 201
        shown = (await service.get(f"everything/{value}")).body["data"]
        assert shown | item == shown


async def test_integers_beyond_64_bits_are_a_failure_of_their_item(api: Service) -> None:
    for value in (2**63, -(2**63) - 1, 2**64, 10**30, 10**300):
        fields = {"integer": f"{value}", "anything": f'{{"x": [{value}]}}'}
        for (name, sent), path in zip(fields.items(), ("integer", "anything.x.0"), strict=True):
            body = f'{{"code": 1, "{name}": {sent}}}'
            reply = await send(api, "everything", body)
            assert reply.status == 422
            assert reply.codes == {0: [(42209, path)]}
            assert reply.body["failures"][0]["rawData"] == json.loads(body)


async def test_a_large_key_is_not_storable_for_any_action(api: Service) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        reply = await api.request(method, "/v1/everything", [{"code": 2**64}])
        assert reply.codes == {0: [(42209, "code")]}, method


async def test_a_number_beyond_a_double_is_its_items_failure(api: Service) -> None:
    for value in ("1e400", "-1e400", "1E+999", "1" + "0" * 400, "1" + "0" * 5000, "[1e309]"):
        for field in ("decimal", "anything"):
            bad = f'{{"code": 1, "{field}": {value}}}'
            body = f'[{{"code": 2}},\n {bad}, {{"code": "x"}}]'
            reply = await send(api, "everything", body)
            assert reply.status == 422, value
            assert reply.codes == {1: [(42204, None)], 2: [(42203, "code")]}
            assert reply.body["failures"][0]["rawData"] == bad
            assert "Line 2, column" in reply.body["failures"][0]["errors"][0]["description"]
            alone = await send(api, "everything", bad)
            assert (alone.status, alone.codes) == (422, {0: [(42204, None)]})


async def test_whatever_a_numeric_cannot_hold_is_not_storable(api: Service) -> None:
    for text in ("1e131072", "1e-16384"):
        reply = await api.post("everything", {"code": 1, "decimal": text})
        assert reply.codes == {0: [(42209, "decimal")]}, text


async def test_a_number_of_many_digits_is_out_of_range(service: Service) -> None:
    """A few bytes would become a thousand times as many in the table and in each answer."""
    reply = await service.post(
        "everything",
        [
            {"code": 1, "decimal": "1E131071"},
            {"code": 2, "decimal": "1E-16383"},
            {"code": 3, "decimal": "1E1000"},
            {"code": 4, "decimal": "1E999"},
        ],
        prefer="handling=lenient",
    )
    bad = [(42205, "decimal")]
    assert reply.status == 207
    assert reply.codes == {0: bad, 1: bad, 2: bad}
    assert reply.body["metadata"]["validItems"] == [3]


async def test_what_is_not_finite_is_not_stored(api: Service) -> None:
    for text in ("NaN", "inf", "-Infinity"):
        items = [{"code": 1, "float": text}, {"code": 2, "decimal": text}]
        reply = await api.post("everything", items)
        assert reply.status == 422
        assert reply.codes[0] == [(42209, "float")]
        assert [field for _, field in reply.codes[1]] == ["decimal"]


async def test_floats_are_the_same_double(service: Service) -> None:
    values = [0.1, 1e300, 5e-324, 1.7976931348623157e308, 1 / 3, 100.0, 1e22]
    items = [{"code": code, "float": value} for code, value in enumerate(values)]
    assert (await service.post("everything", items)).status == 201
    shown = [item["float"] for item in (await service.get("everything")).body["data"]]
    assert [float(value) for value in shown] == values


async def test_an_integer_field_rounds_nothing(api: Service) -> None:
    reply = await api.post("contacts", {"email": "a@example.com", "first_name": "A", "age": 1.9})
    assert reply.codes == {0: [(42203, "age")]}


async def test_digits_in_a_json_field_stay(service: Service, operator: Pool) -> None:
    body = f'{{"code": 1, "anything": {{"big": {MANY}, "deep": [{MANY}, 0.1]}}}}'
    assert (await send(service, "everything", body)).status == 201
    document = await _texts(service, "everything/1")
    assert document["data"]["anything"] == {"big": Decimal(MANY), "deep": [Decimal(MANY), 0.1]}
