"""The one parse: what a path, headers and a query say, and what of it cannot be read."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from ingest.access.rights import Right
from ingest.errors import InvalidKey, InvalidParameter, RequestError, UnsupportedEncoding
from ingest.formats.negotiation import CSV, JSON, NDJSON, XML
from ingest.http.call import Call
from ingest.http.request import parse
from ingest.http.routes import ROUTES
from ingest.http.service import SERVICE
from ingest.model import Resolution, Selection
from tests.harness import REGISTRY

JSON_BODY = {"Content-Type": "application/json"}


class Parser:
    """A server that only parses: `ROUTES` lead to a middleware that keeps the value."""

    def __init__(self, client: "TestClient[Any, Any]", calls: list[Call]) -> None:
        self._client = client
        self._calls = calls

    async def __call__(
        self, path: str, headers: dict[str, str] | None = None, method: str = "POST"
    ) -> Call:
        await self._client.request(method, path, headers=headers)
        return self._calls.pop()


@pytest.fixture
async def parsed() -> AsyncIterator[Parser]:
    calls: list[Call] = []

    @web.middleware
    async def keep(request: web.Request, handler: Any) -> web.Response:
        calls.append(parse(request))
        return web.Response()

    app = web.Application(middlewares=[keep])
    app.add_routes(ROUTES)
    app[SERVICE] = cast(Any, SimpleNamespace(registry=REGISTRY, proxies=()))
    async with TestClient(TestServer(app)) as client:
        yield Parser(client, calls)


async def test_a_write_is_one_value(parsed: Parser) -> None:
    call = await parsed(
        "/v1/contacts.xml?dryRun=true&matching=email&select=meta",
        {
            **JSON_BODY,
            "Prefer": "handling=lenient, resolution=merge-duplicates",
            "Idempotency-Key": '"k"',
            "Content-Encoding": "gzip",
            "Authorization": "Bearer t",
            "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
        },
    )
    assert call.problem is None
    assert call.resource is REGISTRY["contacts"]
    assert (call.media_type, call.endpoint and call.endpoint.right) == (XML, Right.CREATE)
    assert (call.dry_run, call.matching, call.select) == (True, "email", Selection(meta=True))
    assert (call.preferences.lenient, call.preferences.resolution) == (True, Resolution.MERGE)
    assert (call.idempotency_key, call.head.encodings) == ("k", ("gzip",))
    assert (call.credentials, call.trace_id) == (("Bearer t",), "a" * 32)


async def test_a_list_is_one_value(parsed: Parser) -> None:
    call = await parsed("/v1/seats?limit=5&offset=10&badge=7", method="GET")
    [(field, value)] = call.filters
    assert (call.limit, call.offset, field.name, value) == (5, 10, "badge", (7,))


async def test_what_is_not_said_has_its_default(parsed: Parser) -> None:
    call = await parsed("/v1/contacts", method="GET")
    assert (call.limit, call.offset, call.filters, call.select) == (100, 0, (), Selection())
    assert len(call.trace_id) == 32


@pytest.mark.parametrize(
    ("path", "headers", "problem"),
    [
        ("?nothing=1", {}, InvalidParameter),
        ("?dryRun=perhaps", {}, InvalidParameter),
        ("?matching=tags", {}, InvalidParameter),
        ("?select=everything", {}, InvalidParameter),
        ("?delimiter=comma", JSON_BODY, InvalidParameter),
        ("", {"Prefer": "handling=loose"}, InvalidParameter),
        ("", {"Idempotency-Key": "two words"}, InvalidKey),
        ("", {"Content-Encoding": "compress"}, UnsupportedEncoding),
    ],
)
async def test_what_cannot_be_read_is_kept(
    parsed: Parser, path: str, headers: dict[str, str], problem: type[RequestError]
) -> None:
    call = await parsed(f"/v1/contacts{path}", headers)
    assert isinstance(call.problem, problem)
    assert call.resource is REGISTRY["contacts"]
    assert call.media_type == JSON


async def test_the_type_of_a_body_that_may_not_be_there_is_no_problem_yet(parsed: Parser) -> None:
    call = await parsed("/v1/contacts", {"Content-Type": "image/png"})
    assert call.problem is None
    assert call.head.problem is not None


@pytest.mark.parametrize(
    ("named", "item", "media_type"),
    [
        ("jim", "jim", JSON),
        ("jim.xml", "jim", XML),
        ("jim@example.com", "jim@example.com", JSON),
        ("jim.csv", "jim.csv", JSON),
        (".xml", ".xml", JSON),
    ],
)
async def test_only_a_format_is_an_extension_of_a_key(
    parsed: Parser, named: str, item: str, media_type: str
) -> None:
    call = await parsed(f"/v1/contacts/{named}", method="GET")
    assert (call.item, call.media_type) == (item, media_type)


async def test_an_extension_that_is_none_admits_no_answer(parsed: Parser) -> None:
    call = await parsed("/v1/contacts.txt")
    assert (call.collection, call.media_type) == ("contacts", None)


@pytest.mark.parametrize(
    ("accept", "media_type"), [("application/xml", XML), ("image/png", None), ("*/*", JSON)]
)
async def test_without_an_extension_accept_chooses(
    parsed: Parser, accept: str, media_type: str | None
) -> None:
    call = await parsed("/v1/contacts", {"Accept": accept}, method="GET")
    assert call.media_type == media_type


async def test_failures_have_formats_of_their_own(parsed: Parser) -> None:
    formats = {}
    for accept in (CSV, NDJSON, XML):
        call = await parsed("/v1/batches/b/failures", {"Accept": accept}, method="GET")
        formats[accept] = call.media_type
    assert formats == {CSV: CSV, NDJSON: NDJSON, XML: None}


async def test_probes_are_not_of_the_api(parsed: Parser) -> None:
    call = await parsed("/healthz", method="GET")
    assert (call.of_api, call.endpoint) == (False, None)
