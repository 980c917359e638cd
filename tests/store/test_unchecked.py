"""Changes are applied without a look for conflicts first, and no conflict goes unnoticed."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer
from marshmallow import Schema, fields

from ingest import Resource
from ingest.app import create_app
from ingest.model import Finished
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.group_commit import apply_checked, apply_group
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from migrations.run import migrate
from tests.databases import Emptied, execute, url_of
from tests.harness import Service
from tests.store.conflicting import MERGE, versions
from workers.commit import Committer
from workers.settings import open_committer


class TicketSchema(Schema):
    code = fields.String(required=True)
    seat = fields.String(load_default="none")
    row = fields.String()
    place = fields.Integer()
    note = fields.String()


TICKETS = Registry(
    [Resource("tickets", TicketSchema, key="code", unique=["seat", ("row", "place")])]
)


@pytest.fixture(scope="module")
def _shared_database(postgres_url: str) -> Iterator[Emptied]:
    asyncio.run(execute(postgres_url, "CREATE DATABASE tickets"))
    migrate(url_of(postgres_url, "tickets"), TICKETS)
    shared = Emptied(url_of(postgres_url, "tickets"))
    yield shared
    shared.close()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without a sweeper: only rings lead to commits."""
    return replace(settings, sweep_after=3600.0)


@pytest.fixture
async def committer(settings: Settings) -> AsyncIterator[Committer]:
    async with open_committer(settings, TICKETS) as committer:
        yield committer


@pytest.fixture
async def api(settings: Settings, operator: Pool) -> AsyncIterator[Service]:
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(TestServer(create_app(settings, TICKETS))) as client:
        yield Service(client, token)


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How groups were applied."""
    seen: list[str] = []

    def recorded(apply: Any) -> Any:
        async def applied(*given: Any) -> Sequence[Finished]:
            seen.append(apply.__name__)
            done: Sequence[Finished] = await apply(*given)
            return done

        return applied

    for apply in (apply_group, apply_checked):
        monkeypatch.setattr(f"workers.commit.{apply.__name__}", recorded(apply))
    return seen


def ticket(code: str, **values: Any) -> dict[str, Any]:
    return {"code": code, "seat": f"seat of {code}", **values}


STORED = [ticket("a", row="1", place=1), ticket("b", row="1", place=2), ticket("c", note="x")]
ONCE, CHECKED = ["apply_group"], ["apply_group", "apply_checked"]


async def applied(
    api: Service, committer: Committer, method: str, *batches: list[Any], prefer: str = ""
) -> list[int]:
    """The statuses of batches that were committed together."""
    ids = []
    for items in batches:
        wanted = ", ".join(filter(None, ["wait=0", prefer]))
        reply = await api.request(method, "/v1/tickets", items, prefer=wanted)
        assert reply.status == 202, reply.body
        ids.append(UUID(reply.body["metadata"]["batchId"]))
    await committer.commit_pending("acme", "tickets")
    shown = [(await api.get(f"batches/{each}")).body["data"] for each in ids]
    return [each["response"]["status"] for each in shown]


@pytest.fixture
async def stored(api: Service, committer: Committer, attempts: list[str]) -> None:
    assert await applied(api, committer, "POST", STORED) == [201]
    attempts.clear()


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("method", "prefer", "batches", "statuses"),
    [
        ("PATCH", "", [[{"code": "a", "note": "1"}], [{"code": "b", "note": "2"}]], [200, 200]),
        ("PATCH", "", [[{"code": "a", "seat": "new"}]], [200]),
        ("PATCH", "", [[{"code": "a", "place": 2}, {"code": "b", "place": 1}]], [200]),
        ("POST", MERGE, [[ticket("a"), ticket("d")], [ticket("b"), ticket("e")]], [201, 201]),
        ("POST", MERGE, [[ticket("a", note="1")], [ticket("b")]], [201, 201]),
        ("DELETE", "", [["a"], ["b", "c"]], [200, 200]),
    ],
)
async def test_usual_changes_are_one_statement(
    api: Service,
    committer: Committer,
    attempts: list[str],
    method: str,
    prefer: str,
    batches: list[list[Any]],
    statuses: list[int],
) -> None:
    found = await applied(api, committer, method, *batches, prefer=prefer)
    assert (found, attempts) == (statuses, ONCE)


A_TWICE = [[{"code": "a", "note": "1"}], [{"code": "a", "note": "2"}]]
STALE = [[{"code": "a", "note": "1", "meta": {"version": 99}}], [{"code": "b", "note": "1"}]]
MISSING = [[{"code": "z", "note": "1"}], [{"code": "b", "note": "1"}]]
MOVES = [[{"code": "a", "seat": "new"}], [{"code": "b", "seat": "seat of a"}]]
TAKEN = [[{"code": "a", "seat": "seat of b"}], [{"code": "c", "note": "1"}]]
PAIR = [[{"code": "a", "place": 2}], [{"code": "c", "note": "1"}]]
NEW_TWICE = [[ticket("d")], [ticket("d", note="1")]]
SAYS_TWICE = [[{"code": "a", "note": "1"}, {"code": "b", "note": "1"}], [ticket("c")]]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("method", "prefer", "batches", "statuses"),
    [
        ("PATCH", "", A_TWICE, [200, 200]),
        ("POST", MERGE, A_TWICE, [201, 201]),
        ("PATCH", "", STALE, [422, 200]),
        ("POST", MERGE, STALE, [422, 201]),
        ("PATCH", "", MISSING, [422, 200]),
        ("PATCH", "", MOVES, [200, 200]),
        ("PATCH", "", MOVES[::-1], [200, 200]),
        ("PATCH", "", TAKEN, [422, 200]),
        ("PATCH", "", PAIR, [422, 200]),
        ("POST", MERGE, NEW_TWICE, [201, 201]),
        # Both say the seat that they leave as it is.
        ("POST", MERGE, SAYS_TWICE, [422, 201]),
        ("DELETE", "", [["a"], ["a"]], [200, 422]),
        ("DELETE", "", [["a", "a"], ["b"]], [422, 200]),
        ("DELETE", "", [[STALE[0][0]], ["b"]], [422, 200]),
    ],
)
async def test_where_a_change_is_odd_conflicts_are_looked_for(
    api: Service,
    committer: Committer,
    attempts: list[str],
    method: str,
    prefer: str,
    batches: list[list[Any]],
    statuses: list[int],
) -> None:
    found = await applied(api, committer, method, *batches, prefer=prefer)
    assert (found, attempts) == (statuses, CHECKED)


@pytest.mark.usefixtures("stored")
async def test_what_one_batch_exchanges_is_checked_at_its_end(
    api: Service, committer: Committer, attempts: list[str]
) -> None:
    swap = [{"code": "a", "seat": "seat of b"}, {"code": "b", "seat": "seat of a"}]
    assert await applied(api, committer, "PATCH", swap) == [200]
    assert attempts == ONCE
    assert await versions(api, "tickets", "code") == {"a": 2, "b": 2, "c": 1}
