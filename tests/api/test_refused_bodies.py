"""Bodies that are refused as a whole: the place is named, and nothing is written."""

import bz2
import gzip
import json
import lzma
from typing import Any

import pytest

from ingest.formats.negotiation import CSV, JSON, NDJSON, XML, YAML
from ingest.store.pool import Pool
from tests.api.shared import (
    ANN,
    JIM,
    NOTHING,
    configured,
    contact,
    exchange,
    head,
    pieces,
    send,
    written,
)
from tests.harness import Reply, Service


def nested(levels: int, pattern: str = "[") -> str:
    """A JSON value of so many levels of arrays and objects, as `pattern` alternates them."""
    opened = [pattern[level % len(pattern)] for level in range(levels)]
    inside = "".join('{"x":' if kind == "{" else "[" for kind in opened) + "1"
    return inside + "".join("}" if kind == "{" else "]" for kind in reversed(opened))


def item_with(value: str) -> str:
    return json.dumps([JIM])[:-2] + f', "tags": {value}}}]'


NOT_JSON = [
    (b'[{"email": "a@example.com",}]', "Line 1, column 2"),
    (b'[{"email":\n "a"},\n {"email" 5}]', "Line 3, column 11"),
    (b"email,first_name\na@example.com,Al\n", "Line 1, column 1"),
    (b"[{}", "Line 1"),
    (b"[{}] {}", "Line 1"),
    (b'[{"age": NaN}]', "Line 1, column 10"),
    (b'[{"age": Infinity}]', "Line 1, column 10"),
    (b'[{"age": 01}]', "Line 1"),
    (b"[{'email': 'x'}]", "Line 1, column 3"),
    (b'[{"email": "\t"}]', "Line 1"),
    (b"<contacts/>", "Line 1, column 1"),
    (b"[" * 100_000, "Line 1"),
]
NOT_UTF8 = [
    (b'[{"email": "caf\xe9@example.com"}]', "byte 15 "),
    (b'[{},\n{"email": "\xc3"}]', "byte 16 "),
    (b"\xff", "byte 0 "),
]


async def test_not_json_names_the_place(api: Service, operator: Pool) -> None:
    for body, place in NOT_JSON:
        reply = await send(api, "contacts", body)
        assert (reply.status, reply.error) == (400, (40001, "malformed_body")), body[:50]
        assert place in reply.body["error"]["description"]
        assert reply.body["error"]["type"] == "syntax"
    assert await written(operator) == NOTHING


async def test_not_utf8_names_the_byte(api: Service, operator: Pool) -> None:
    for body, place in NOT_UTF8:
        reply = await send(api, "contacts", body)
        assert (reply.status, reply.error) == (400, (40001, "malformed_body")), body[:50]
        assert place in reply.body["error"]["description"]
    assert await written(operator) == NOTHING


MISNAMED = [
    (JSON, gzip.compress(b"[]"), "compressed with gzip", "`Content-Encoding: gzip`"),
    (NDJSON, bz2.compress(b"{}"), "compressed with bzip2", "uncompressed"),
    (CSV, lzma.compress(b"a\n"), "compressed with xz", "uncompressed"),
    (
        CSV,
        b"PK\x03\x04" + b"\n" * 2000,
        "a ZIP archive, or a workbook (.xlsx, .ods)",
        "`ingest load`",
    ),
    (NDJSON, b"PAR1\x15\n" + bytes(1000), "a Parquet file", "NDJSON"),
    (XML, b"PK\x03\x04", "a ZIP archive", "CSV"),
    (YAML, b"%PDF-1.7\n", "a PDF document", "CSV"),
    (JSON, b"<!DOCTYPE html>\n<html>", "an HTML page", "log-in"),
    (JSON, json.dumps([JIM]).encode("utf-16"), "a text in UTF-16", "UTF-8"),
    (NDJSON, json.dumps(JIM).encode("utf-16-le"), "a text in UTF-16", "UTF-8"),
    (CSV, "email,first_name\n".encode("utf-16-be"), "a text in UTF-16", "charset=utf-16-le"),
]


@pytest.mark.parametrize("compressed", [False, True])
async def test_what_a_body_is_instead_is_said(
    api: Service, operator: Pool, compressed: bool
) -> None:
    for media_type, body, said, remedy in MISNAMED:
        data = gzip.compress(body) if compressed else body
        headers = {
            "content_type": media_type,
            **({"content_encoding": "gzip"} if compressed else {}),
        }
        reply = await api.request("POST", "/v1/contacts", data=data, **headers)
        assert (reply.status, reply.error) == (400, (40001, "malformed_body")), said
        assert reply.body["error"]["message"].startswith(f"The body is {said}")
        assert remedy in reply.body["error"]["description"]
    assert await written(operator) == NOTHING


async def test_neither_an_array_nor_an_object(api: Service, operator: Pool) -> None:
    for body in (b'"jim"', b"5", b"null", b"true", b'"[]"'):
        for method in ("POST", "PATCH", "DELETE"):
            reply = await api.request(
                method, "/v1/contacts", data=body, content_type="application/json"
            )
            assert reply.error == (40001, "malformed_body"), (method, body)
    assert await written(operator) == NOTHING


@configured(max_items=3)
async def test_too_many_items(service: Service, operator: Pool) -> None:
    reply = await service.post("contacts", [contact(number) for number in range(4)])
    assert (reply.status, reply.error) == (413, (41302, "too_many_items"))
    assert "3" in reply.body["message"]
    assert await written(operator) == NOTHING
    assert (await service.post("contacts", [contact(n) for n in range(3)])).status == 201


@configured(max_body=200)
async def test_a_body_over_the_limit_by_its_length(service: Service, operator: Pool) -> None:
    body = json.dumps([JIM]).encode().ljust(201)
    reply = await send(service, "contacts", body)
    assert (reply.status, reply.error) == (413, (41301, "body_too_large"))
    assert await written(operator) == NOTHING
    assert (await send(service, "contacts", body[:200])).status == 201


@configured(max_body=200)
async def test_a_length_over_the_limit_is_refused_before_the_body_comes(api: Service) -> None:
    reply = await exchange(api, head(api, "Content-Length: 1000000"))
    assert (reply.status, reply.error) == (413, (41301, "body_too_large"))
    assert reply.headers["X-Trace-Id"]


@configured(max_body=200)
async def test_a_body_over_the_limit_while_it_streams(service: Service, operator: Pool) -> None:
    body = json.dumps([JIM]).encode().ljust(201)
    reply = await service.request(
        "POST", "/v1/contacts", data=pieces(body[:150], body[150:]), content_type="application/json"
    )
    assert (reply.status, reply.error) == (413, (41301, "body_too_large"))
    assert await written(operator) == NOTHING
    fits = await service.request(
        "POST",
        "/v1/contacts",
        data=pieces(body[:150], body[150:200]),
        content_type="application/json",
    )
    assert fits.status == 201


@configured(body_timeout=0.1)
async def test_a_body_that_does_not_come_in_time(api: Service, operator: Pool) -> None:
    for line, start in (
        ("Content-Length: 50", b"[{"),
        ("Transfer-Encoding: chunked", b"2\r\n[{\r\n"),
    ):
        reply = await exchange(api, head(api, line) + start)
        assert (reply.status, reply.error) == (408, (40801, "request_timeout"))
        assert reply.body["status"] == 408
    assert await written(operator) == NOTHING


async def test_a_body_that_breaks_off(api: Service, operator: Pool) -> None:
    bad_chunk = head(api, "Transfer-Encoding: chunked") + b"zz\r\n[{}]\r\n0\r\n\r\n"
    reply = await exchange(api, bad_chunk)
    assert (reply.status, reply.error) == (400, (40001, "malformed_body"))
    assert await written(operator) == NOTHING


@pytest.mark.parametrize("pattern", ["[", "{", "[{", "{["])
async def test_nesting_is_bounded_and_the_place_is_named(
    service: Service, operator: Pool, pattern: str
) -> None:
    # The array of the body and the item are the first two levels of 32.
    deep = await send(service, "contacts", item_with(nested(31, pattern)))
    assert (deep.status, deep.error) == (400, (40001, "malformed_body"))
    assert "0.tags" in deep.body["error"]["description"]
    assert await written(operator) == NOTHING
    fits = await send(service, "contacts", item_with(nested(30, pattern)))
    assert fits.status == 422
    assert fits.body["result"] == "failure"


async def test_brackets_in_strings_do_not_nest(service: Service) -> None:
    texts = ["[" * 200, '\\"' + "[{" * 90, "]}" * 100, "\\\\" + "[" * 40]
    for number, text in enumerate(texts):
        item = f'{{"email": "c{number}@example.com", "first_name": "C", "company": "{text}"}}'
        reply = await send(service, "contacts", f"[{item}]")
        assert reply.status == 201, reply.body
        assert reply.body["data"][0]["company"] == json.loads(f'"{text}"')


@configured(max_nesting=3)
async def test_the_depth_is_a_setting(service: Service) -> None:
    assert (await send(service, "contacts", item_with('["a"]'))).status == 201
    deep = await send(service, "contacts", item_with('[["a"]]'))
    assert deep.error == (40001, "malformed_body")


async def test_of_duplicate_names_the_last_one_wins(service: Service) -> None:
    body = '[{"email": "x", "email": "jim@example.com", "first_name": "A", "first_name": "Jim"}]'
    reply = await send(service, "contacts", body)
    assert reply.status == 201
    assert reply.body["data"][0] | JIM == reply.body["data"][0]
    digits = body.replace('"email": "x"', '"age": 123456789012345678901, "age": 7')
    assert (await send(service, "contacts", digits)).codes == {0: [(40903, "email")]}


async def test_what_stands_before_the_array_is_no_matter(service: Service) -> None:
    for start in (b"\xef\xbb\xbf", b" \r\n\t"):
        assert (await send(service, "contacts", start + b"[]")).status == 201, start


def _error(reply: Reply) -> tuple[Any, ...]:
    return (reply.status, *reply.error)


MEDIA_TYPES = [
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/json; charset=latin-1",
    "nonsense",
]


async def test_other_media_types_are_refused(api: Service, operator: Pool) -> None:
    for content_type in MEDIA_TYPES:
        reply = await send(api, "contacts", json.dumps([ANN]), content_type=content_type)
        assert _error(reply) == (415, 41501, "unsupported_media_type"), content_type
    assert await written(operator) == NOTHING


JSON_TYPES = ("application/json", "APPLICATION/JSON", 'application/json; charset="utf-8"')


async def test_json_is_read_and_is_the_default(service: Service) -> None:
    for line in (*(f"Content-Type: {name}" for name in JSON_TYPES), "X-No: type"):
        reply = await exchange(service, head(service, line, "Content-Length: 2") + b"[]")
        assert reply.status == 201, line


async def test_other_encodings_are_refused(api: Service, operator: Pool) -> None:
    for encoding in ("br", "compress", "x-unheard"):
        reply = await send(api, "contacts", json.dumps([ANN]), content_encoding=encoding)
        assert _error(reply) == (415, 41502, "unsupported_encoding"), encoding
    assert await written(operator) == NOTHING
