"""Fields may be called like anything in the SQL that touches their table."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from itertools import product
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from marshmallow import INCLUDE, Schema, fields

from ingest import Resource, Tally, Totals
from ingest.app import create_app
from ingest.model import EVERY_FIELD, Action, Options, Resolution
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.reads import page_sql
from ingest.store.statements import statements
from ingest.store.statements.tallies import counted_of_groups, triggers
from ingest.store.tokens import create_token
from migrations.run import migrate
from tests.harness import Service
from workers.settings import open_committer, running_worker


class Sample(Schema):
    """Of every kind of column that the SQL differs for, under names that occur nowhere in it."""

    q0 = fields.Integer(dump_only=True)
    q1 = fields.String()
    q2 = fields.String()
    q3 = fields.List(fields.String())
    q4 = fields.Integer()
    q5 = fields.Decimal()

    class Meta:
        unknown = INCLUDE


SAMPLE = Resource(
    "sample",
    Sample,
    key="q0",
    unique=["q1", ("q2", "q4")],
    summaries={"s1": Tally("q3"), "s2": Totals("q4", by="q1")},
)


def generated() -> Iterator[str]:
    """All SQL that is generated for a resource."""
    kinds = product(
        Action, Resolution, (None, "q1", "q2", "q5"), (True, False), (True, False), ((), ("g",))
    )
    for action, resolution, matching, lenient, shows, groups in kinds:
        options = Options(
            resolution=resolution,
            matching=matching,
            lenient=lenient,
            representation=shows,
            groups=groups,
        )
        made = statements(SAMPLE, action, options)
        yield from (made.check, made.conflicting, made.stranded or "", made.apply)
    for confined in (True, False):
        yield from page_sql(SAMPLE, SAMPLE.fields[:2], select=EVERY_FIELD, confined=confined)
    yield counted_of_groups(SAMPLE, SAMPLE.summaries)
    for each in triggers(SAMPLE).values():
        yield from each


NAMES = sorted(
    {"shown", *re.findall(r"[a-z_$][\w$]*", "\n".join(generated()))}
    - {"meta", "id", *(field.name for field in SAMPLE.fields)}
)
"""Every alias, parameter, CTE, column and function that the SQL names."""
_FREE = [name for name in NAMES if name != "count"]  # which `Totals` shows beside its fields


def named(*names: str) -> Resource:
    """One whose key, unique attributes and summaries have these names."""
    key, single, one, two, listed = names
    schema = Schema.from_dict(
        {
            key: fields.String(required=True),
            single: fields.String(),
            one: fields.String(),
            two: fields.Integer(),
            listed: fields.List(fields.String()),
        }
    )
    number = _FREE.index(key)
    return Resource(
        f"roles{number}",
        schema,
        key=key,
        unique=[single, (one, two)],
        summaries={f"tally{number}": Tally(listed), f"sums{number}": Totals(two, by=one)},
    )


ALL = Resource(
    "all",
    Schema.from_dict(
        {"id": fields.Integer(dump_only=True), **dict.fromkeys(NAMES, fields.String())}
    ),
    unique=["shown"],
)
ROLES = [
    (names, named(*names))
    for place in range(0, len(_FREE), 3)
    for names in [[(_FREE * 2)[place + step] for step in range(5)]]
]
OWN_REGISTRY = Registry([ALL, *(resource for _, resource in ROLES)])


@pytest.fixture
async def own(empty_database: str, redis_url: str) -> AsyncIterator[Service]:
    """The whole service with the resources of this file."""
    await asyncio.to_thread(migrate, empty_database, OWN_REGISTRY)
    settings = Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)
    async with open_pool(settings, role=None) as operator:
        _, token = await create_token(operator, "acme", "t")
    async with (
        open_committer(settings, OWN_REGISTRY) as committer,
        running_worker(committer),
        TestClient(TestServer(create_app(settings, OWN_REGISTRY))) as client,
    ):
        yield Service(client, token)


def test_the_names_are_found() -> None:
    assert {"items", "resolved", "t", "g", "$target", "own", "position", "batch"} <= {*NAMES}


async def test_an_item_has_a_field_for_every_name(own: Service) -> None:
    item = {name: f"of {name}" for name in NAMES}
    made = await own.post("all", [item])
    assert made.status == 201, made.body
    [first] = made.body["data"]
    assert {name: first[name] for name in NAMES} == item
    dry = await own.patch("all?dryRun=true", [{"id": first["id"], "t": "new"}])
    assert (dry.status, dry.body["metadata"]["updated"]) == (200, 1)
    for name in NAMES:
        [found] = (await own.get("all", params={name: item[name]})).body["data"]
        assert found == first, name
        sent = {name: item[name], "shown": "of shown"}
        path = f"/v1/all?matching={name.replace('$', '%24')}"
        same = await own.request("PATCH", path, [sent])
        assert same.body["metadata"]["outcomes"] == ["unchanged"], (name, same.body)
    changed = await own.patch("all", [{"id": first["id"], **dict.fromkeys(NAMES, "x")}])
    assert changed.body["data"] == [{"id": first["id"], **dict.fromkeys(NAMES, "x")}]
    assert (await own.delete("all", [first["id"]])).body["metadata"]["deleted"] == 1


async def test_every_name_may_be_the_key_unique_or_counted(own: Service) -> None:
    for names, resource in ROLES:
        await _use(own, resource.name, *names)


async def _use(own: Service, path: str, *names: str) -> None:
    key, single, one, two, listed = names

    def item(number: int, **more: Any) -> dict[str, Any]:
        return {key: f"k{number}", single: f"s{number}", one: "a", two: number, listed: ["x"]}

    place = path.removeprefix("roles")
    select = {"select": f"tally{place},sums{place}"}
    made = await own.post(path, [item(1), item(2)], params=select)
    assert made.status == 201, (names, made.body)
    assert made.body[f"tally{place}"] == [{"name": "x", "count": 2}], names
    taken = await own.post(path, [item(3) | {single: "s1"}, item(1)], prefer="handling=lenient")
    assert [code for code, _ in taken.codes[0]] == [40903], names
    merge = "resolution=merge-duplicates"
    merged = await own.post(path, [item(1) | {two: 9}, item(4)], prefer=merge)
    assert merged.body["metadata"]["outcomes"] == ["updated", "created"], (names, merged.body)
    query = {"matching": single}
    swap = [{single: "s1", two: 5}, {single: "s2", two: 6}]
    changed = await own.request("PATCH", f"/v1/{path}", swap, params=query)
    assert changed.status == 200, (names, changed.body)
    query = {"matching": one, "dryRun": "true"}
    several = await own.request("PATCH", f"/v1/{path}", [{one: "a"}], params=query)
    assert [code for code, _ in several.codes[0]] == [43501], names
    filtered = await own.get(path, params={two: "5"})
    assert [found[key] for found in filtered.body["data"]] == ["k1"], names
    assert (await own.get(f"{path}/k1")).body["data"][two] == 5, names
    gone = await own.delete(path, ["k1", "k2", "k4"])
    assert gone.status == 200, (names, gone.body)
