"""Failed rows as JSON and NDJSON, read again."""

from typing import Any

import orjson
import pytest

from ingest.errors import ITEM_CODES, BodyTooLarge, TooManyItems
from ingest.formats.decoding import open_decoder
from ingest.formats.limits import Limits
from ingest.formats.negotiation import JSON, NDJSON, BodyFormat
from ingest.model import ItemError, Unreadable
from tests.harness import REGISTRY

LIMITS = Limits(max_item=1_000_000, max_items=100, max_nesting=8, max_values=1_000)
ITEM = {"email": "x"}
MALFORMED = "This line is not valid JSON."


def decoded(body: bytes, media_type: str) -> list[Any]:
    decoder = open_decoder(BodyFormat(media_type), REGISTRY["contacts"], None, LIMITS)
    return [*decoder.feed(body), *decoder.end()]


def error(code: int, message: str, field: str | None = None) -> dict[str, Any]:
    return ItemError(ITEM_CODES[code], message, field).document()


def rows(*found: Any) -> list[dict[str, Any]]:
    return [{"index": n, **each} for n, each in enumerate(found)]


@pytest.mark.parametrize("way", ["lines", "array", "document"])
def test_what_failed_is_read_as_it_was(way: str) -> None:
    given = rows(
        {"rawData": ITEM, "errors": [error(42204, "Not a valid email address.", "email")]},
        {"rawData": "KEY", "errors": [error(42204, "Not a valid UUID.", "id")]},
        {"rawData": [1], "errors": [error(42203, "An item must be an object.")]},
        {"rawData": ["a", "b"], "errors": [error(42204, "This row has 2 cells.")]},
        {"rawData": '{"a" b', "errors": [error(42204, "This row is not valid CSV.")]},
        {"line": 3, "text": '{"a": 1e400}', "errors": [error(42204, MALFORMED)]},
        {"line": 4, "text": '{"a": "\ufffd"}', "errors": [error(42204, MALFORMED)]},
        {"line": 4, "text": "[" * 20 + "]" * 20, "errors": [error(42204, MALFORMED)]},
        {"line": 5, "item": ITEM, "errors": [{"message": "Not saved."}]},
        {"line": 6, "text": '{"email": "corrected"}', "errors": [error(42204, MALFORMED)]},
    )
    if way == "lines":
        found = decoded(b"\n".join(map(orjson.dumps, given)), NDJSON)
    elif way == "array":
        found = decoded(orjson.dumps(given), JSON)
    else:
        document = {"result": "success", "metadata": {}, "failures": given}
        found = decoded(orjson.dumps(document), JSON)
    read = [
        (each.raw, each.errors[0].message) if isinstance(each, Unreadable) else each
        for each in found
    ]
    assert read == [
        ITEM,
        "KEY",
        [1],
        (["a", "b"], "This row has 2 cells."),
        ('{"a" b', "This row is not valid CSV."),
        ('{"a": 1e400}', MALFORMED),
        ('{"a": "\ufffd"}', MALFORMED),
        ("[" * 20 + "]" * 20, MALFORMED),
        ITEM,
        {"email": "corrected"},
    ]


@pytest.mark.parametrize("media_type", [JSON, NDJSON])
@pytest.mark.parametrize(
    "item",
    [
        {"index": 0, "errors": [], "rawData": ITEM, "more": 1},
        {"index": 0, "errors": "x", "rawData": ITEM},
        {"errors": [], "rawData": ITEM},
        {"index": 0, "errors": [], "rawData": ITEM, "item": ITEM},
        {"result": 1, "metadata": 1, "failures": [ITEM], "errors": []},
    ],
)
def test_an_item_that_resembles_a_failed_row_stays_one(item: Any, media_type: str) -> None:
    assert decoded(orjson.dumps(item), media_type) == [item]


def test_one_failed_row_alone_is_one_item() -> None:
    row = {"index": 0, "rawData": ITEM, "errors": []}
    decoder = open_decoder(BodyFormat(JSON), REGISTRY["contacts"], None, LIMITS)
    decoder.feed(orjson.dumps(row))
    assert decoder.end() == [ITEM]
    assert decoder.single


def test_failed_rows_are_held_against_the_limits_of_a_body() -> None:
    text = "[" * 20 + "]" * 20
    row = {"index": 0, "text": text, "errors": [error(42204, MALFORMED)]}
    with pytest.raises(BodyTooLarge):
        decoded(orjson.dumps([row] * 60), JSON)
    document = {"result": "success", "metadata": {}, "failures": [row] * 101}
    with pytest.raises(TooManyItems):
        decoded(orjson.dumps(document), JSON)
