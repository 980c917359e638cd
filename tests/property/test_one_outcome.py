"""The same requests have one outcome in every dialect; only documents differ (X06, X09)."""

import asyncio
import json
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

ALL = ("default", *DIALECTS)
BODIES = {
    "json": lambda items: json.dumps(items).encode(),
    "xml": xml.encode,
    "yaml": own_yaml.encode,
}
_STEPS = 4
_EXAMPLES = 12


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
PREFERENCES = st.sampled_from(
    ["", "handling=lenient", "resolution=merge-duplicates", "return=minimal, handling=lenient"]
)
WRITES = st.builds(
    Sent,
    method=st.sampled_from(["POST", "POST", "PATCH", "DELETE"]),
    items=st.lists(ITEMS, max_size=4),
    prefer=PREFERENCES,
    extension=st.sampled_from(sorted(BODIES)),
)

_TABLES = (
    """SELECT s.code, s.badge, s."row", s.place, s.colour FROM collections.seats s
       WHERE s."$account" = $1 ORDER BY s.code""",
    """SELECT action, state, received, invalid, created, updated, unchanged, deleted, outcomes
       FROM ingest.batches WHERE account = $1 ORDER BY id""",
    """SELECT f.index, f.raw::text, f.errors::text FROM ingest.failures f
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

    async def tables(self) -> Any:
        """All rows that its writes left."""
        async with self._operator.connection() as connection:
            return [
                [tuple(row) for row in await connection.fetch(query, self._account)]
                for query in _TABLES
            ]


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


def _check_status(name: str, status: int, default: Any) -> None:
    """The status of a failure whose errors agree is that of the tables in docs/dialects.md."""
    codes = _codes(default)
    if default["result"] == "failure" and len(codes) == 1:
        assert status == expected_of("error of an item", name, codes.pop())[0]


@pytest.mark.timeout(240)
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
            body = BODIES[sent.extension](sent.items)
            path = f"seats.{sent.extension}"
            headers = {"Prefer": sent.prefer} if sent.prefer else {}
            answers = [await each.send(sent.method, path, body, **headers) for each in clients]
            tables = [await each.tables() for each in clients]
            assert all(each == tables[0] for each in tables), sent
            default = answers[0][1]
            for client, (status, _) in zip(clients, answers, strict=True):
                _check_status(client.name, status, default)
        shown = None
        for client in clients:
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
