"""The same requests have one outcome in every dialect; only documents differ (X06, X09).

Requests to `/v1/` are answered in each dialect; `rpc` is also sent calls of its own methods.
"""

import asyncio
import json
import os
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from ingest.dialects import DIALECTS
from ingest.formats import xml
from ingest.formats import yaml as own_yaml
from ingest.ids import uuid7
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.harness import Service
from tests.unit.dialects.tables import expected_of

METHODS = "methods of rpc"
ALL = ("default", *DIALECTS, METHODS)
BODIES = {
    "json": lambda items: json.dumps(items).encode(),
    "xml": xml.encode,
    "yaml": own_yaml.encode,
}
_STEPS = 4
_EXAMPLES = int(os.environ.get("FUZZ_REQUESTS", "48")) // _STEPS


@dataclass(frozen=True)
class Sent:
    """One write, in whatever dialect it is answered."""

    method: str
    items: list[dict[str, Any]]
    prefer: str
    extension: str


ITEMS = st.fixed_dictionaries(
    {"code": st.sampled_from(["a", "b", "c", "d", "", 5])},
    optional={
        "badge": st.sampled_from([1, 2, None, "x"]),
        "row": st.sampled_from(["A", "B", None]),
        "place": st.sampled_from([1, 2, None]),
        "unknown": st.just("z"),
    },
)
MERGE = "resolution=merge-duplicates"
PREFERENCES = st.sampled_from(["", "handling=lenient", MERGE, "return=minimal, handling=lenient"])
WRITES = st.builds(
    Sent,
    method=st.sampled_from(["POST", "POST", "PATCH", "DELETE"]),
    items=st.lists(ITEMS, max_size=4),
    prefer=PREFERENCES,
    extension=st.sampled_from(sorted(BODIES)),
)

# The members of an item that was sent have no order: it depends on where its raw form comes from.
_TABLES = (
    """SELECT s.code, s.badge, s."row", s.place, s.colour FROM collections.seats s
       WHERE s."$account" = $1 ORDER BY s.code""",
    """SELECT action, state, received, invalid, created, updated, unchanged, deleted, outcomes
       FROM ingest.batches WHERE account = $1 ORDER BY id""",
    """SELECT f.index, f.raw::jsonb, f.errors::text FROM ingest.failures f
       WHERE f.account = $1 ORDER BY f.batch, f.index""",
)


class Partner:
    """A client of one dialect, with an account of its own."""

    def __init__(self, service: Service, operator: Pool, name: str, account: str) -> None:
        self.name = name
        self._service = service
        self._operator = operator
        self._account = account

    async def send(self, method: str, path: str, body: bytes | None, **headers: str) -> Any:
        """Status and parsed document of an answer."""
        extension = path.rpartition(".")[2]
        sent = {"Authorization": f"Bearer {self._service.token}", **headers}
        if self.name in DIALECTS:
            sent["Accept"] = f"*/*; dialect={self.name}"
        if body is not None:
            sent["Content-Type"] = f"application/{extension}"
        async with self._service.client.request(
            method, f"/v1/{path}", data=body, headers=sent
        ) as response:
            return response.status, _parsed(await response.read(), extension)

    async def write(self, sent: Sent) -> Any:
        """Status and document of the answer to a write."""
        headers = {"Prefer": sent.prefer} if sent.prefer else {}
        if self.name != METHODS:
            body = BODIES[sent.extension](sent.items)
            return await self.send(sent.method, f"seats.{sent.extension}", body, **headers)
        call = {"matching": "code", "data": sent.items}
        async with self._service.client.post(
            f"/api/v1.1/seats/{_verb(sent)}_batch",
            json=call,
            headers={
                "Authorization": f"Bearer {self._service.token}",
                "Idempotency-Key": uuid7().hex,  # the same call again is meant
                **headers,
            },
        ) as response:
            return response.status, await response.json()

    async def tables(self) -> Any:
        """All rows that its writes left."""
        async with self._operator.connection() as connection:
            return [
                [tuple(row) for row in await connection.fetch(query, self._account)]
                for query in _TABLES
            ]


def _verb(sent: Sent) -> str:
    if sent.method == "POST" and sent.prefer == MERGE:
        return "import"
    return {"POST": "add", "PATCH": "update", "DELETE": "delete"}[sent.method]


def _parsed(body: bytes, extension: str) -> Any:
    if extension == "json":
        return json.loads(body)
    return yaml.safe_load(body) if extension == "yaml" else _element(etree.fromstring(body))


def _element(element: Any) -> Any:
    kind = element.get("type")
    if kind == "array":
        return [_element(each) for each in element]
    if kind == "object" or len(element):
        return {each.get("name", each.tag): _element(each) for each in element}
    text = element.text or ""
    return None if kind == "null" else json.loads(text) if kind in ("number", "boolean") else text


def _steady(document: Any) -> Any:
    return {name: value for name, value in document.items() if name != "timestamp"}


def _items(document: Any) -> Any:
    """The items that a list shows: the one array of its document, or of its `data`."""
    inside = document["data"] if isinstance(document["data"], dict) else document
    [found] = [value for value in inside.values() if isinstance(value, list)]
    return found


def _codes(default: Any) -> set[int]:
    failures = default.get("failures", [])
    return {error["code"] for failure in failures for error in failure["errors"]}


def _check_code(name: str, status: int, document: Any, default: Any) -> None:
    """A failure whose errors agree has the status and code of the tables in docs/dialects.md."""
    codes = _codes(default)
    if default["result"] == "failure" and len(codes) == 1:
        own = "rpc" if name == METHODS else name
        expected, code = expected_of("error of an item", own, codes.pop())
        assert status == expected
        if code is not None:
            assert document["error" if own == "rpc" else "status"] == code


def _bad_items(name: str, document: Any) -> list[tuple[int, Any]]:
    """Index and errors of each failure that a document tells; of `rpc`, its own codes."""
    if name in ("rpc", METHODS):
        result = enumerate(document.get("result", ()))
        return [(index, each["error"]) for index, each in result if each["error"] not in (0, 400)]
    if name == "hash":
        failures = (document.get("data") or {}).get("failures", ())
        return [(failure["index"], failure["errors"]) for failure in failures]
    failures = document.get("failures", ())
    indices = document["metadata"]["invalidItems"] if failures else ()
    return [(index, each["errors"]) for index, each in zip(indices, failures, strict=True)]


def _check_bad_items(name: str, document: Any, default: Any) -> None:
    """Every document tells the same errors of the same items."""
    expected, found = _bad_items("default", default), _bad_items(name, document)
    if name in ("rpc", METHODS):
        assert [index for index, _ in found] == [index for index, _ in expected], name
    else:
        assert found == expected, name


@pytest.mark.timeout(120 + 2 * _EXAMPLES)
async def test_x06_x09_one_outcome_in_every_dialect(service: Service, operator: Pool) -> None:
    loop = asyncio.get_running_loop()

    async def partners() -> list[Partner]:
        made = []
        for name in ALL:
            account = f"{name}-{uuid7().hex}"
            _, token = await create_token(operator, account, "tests")
            made.append(Partner(Service(service.client, token), operator, name, account))
        return made

    async def follow(writes: list[Sent]) -> None:
        clients = await partners()
        for sent in writes:
            answers = [await each.write(sent) for each in clients]
            tables = [await each.tables() for each in clients]
            assert all(each == tables[0] for each in tables), sent
            default = answers[0][1]
            for client, (status, document) in zip(clients, answers, strict=True):
                _check_code(client.name, status, document, default)
                _check_bad_items(client.name, document, default)
        shown = None
        for client in clients:
            if client.name == METHODS:
                continue  # it has no lists
            lists = [await client.send("GET", f"seats.{each}", None) for each in BODIES]
            documents = [_steady(document) for _, document in lists]
            assert documents == [documents[0]] * len(documents), client.name
            items = _items(documents[0])
            shown = items if shown is None else shown
            assert items == shown, client.name

    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(WRITES, min_size=1, max_size=_STEPS))
    def check(writes: list[Sent]) -> None:
        asyncio.run_coroutine_threadsafe(follow(writes), loop).result(60)

    await asyncio.to_thread(check)
