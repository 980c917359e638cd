"""Fields may have any name, also one that stands in the statements that the service writes."""

import re
from itertools import product

import pytest
from marshmallow import Schema, fields

from ingest import Resource, Tally, Totals
from ingest.model import Action, Options, Resolution, Selection
from ingest.settings import Settings
from ingest.store.reads import page_sql
from ingest.store.statements import statements
from ingest.store.statements.tallies import counted_of_groups
from tests.api.declared import serving

PLAIN = Resource(
    "plain",
    Schema.from_dict({"id": fields.UUID(), "a": fields.String(), "b": fields.Decimal()}),
    unique=["a"],
    summaries={"as": Tally("a"), "bs": Totals("b", by="a")},
)
PARAMETERS = {"limit", "offset", "select"}
"""Words of the statements that are parameters of a list."""
QUOTED = re.compile(r""""[^"]*"|'[^']*'""")


def words() -> list[str]:
    """Every name and word of the statements that touch the table of a resource."""
    found: set[str] = set()
    options = [
        Options(lenient=lenient, resolution=resolution, matching=matching, groups=groups, undo=True)
        for lenient, resolution, matching, groups in product(
            (False, True), Resolution, (None, "a"), ((), ("g",))
        )
    ]
    texts = [
        text
        for action, each in product(Action, options)
        if action is Action.CREATE or each.resolution is Resolution.REFUSE
        for made in [statements(PLAIN, action, each)]
        for text in (made.check, made.conflicting, made.stranded or "", made.apply)
    ]
    select = Selection(meta=True)
    texts += page_sql(
        PLAIN, [(each, [0]) for each in PLAIN.fields], select=select, confined=True, after=True
    )
    texts.append(counted_of_groups(PLAIN, ["as", "bs"]))
    for text in texts:
        found |= {name.strip('"') for name in QUOTED.findall(text) if name.startswith('"')}
        found |= set(re.findall(r"[a-z_]+", QUOTED.sub(" ", text).lower()))
    return sorted(found - {"id", "meta", "collections", "plain"})


@pytest.fixture
def settings(empty_database: str, redis_url: str) -> Settings:
    return Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)


async def test_a_field_may_be_called_as_anything_in_the_statements(settings: Settings) -> None:
    names = [*words(), "shown"]
    assert {"items", "good", "t", "r", "batch", "select", "$n"} <= set(names)
    declared = {name: fields.String() for name in names} | {"letter": fields.Integer()}
    resource = Resource(
        "words",
        Schema.from_dict({"id": fields.UUID(), **declared}),
        unique=["item", ("batch", "n")],
        summaries={"letters": Totals("letter", by=("code", "first"))},
    )
    item = dict.fromkeys(declared, "x") | {"letter": 1}
    other = item | {"item": "y", "n": "y"}
    async with serving(settings, resource) as service:
        made = await service.post("words", [item, other], params={"select": "meta,letters"})
        assert made.status == 201
        key = made.body["data"][0]["id"]
        assert made.body["letters"] == [{"code": "x", "first": "x", "count": 2, "letter": 2}]
        repeated = await service.post("words", [item], params={"dryRun": "true"})
        assert repeated.codes == {0: [(40903, "item"), (40903, "batch,n")]}
        changed = await service.patch("words", [item | {"id": key, "shown": "z"}])
        assert changed.body["metadata"]["updated"] == 1
        found = {"matching": "item"}
        for resolution in ("merge-duplicates", "ignore-duplicates"):
            prefer = f"resolution={resolution}, handling=lenient"
            merged = await service.post("words", [item, other], params=found, prefer=prefer)
            assert merged.status == 201
        matched = await service.patch("words", [{"letter": 2, "t": "z"}], params={"matching": "t"})
        assert matched.codes == {0: [(40403, "t")]}
        for name in declared:
            found_by = await service.get("words", params={name: item[name]})
            assert found_by.status == (400 if name in PARAMETERS else 200)
        before = (await service.get(f"words/{key}")).body["data"]
        assert before["r"] == "x"
        gone = await service.delete("words", [key])
        assert gone.body["metadata"]["deleted"] == 1
        for batch in (gone, made):
            where = f"/v1/batches/{batch.body['metadata']['batchId']}:revert"
            undone = await service.request("POST", where, prefer="handling=lenient")
            assert undone.status == (200 if batch is gone else 207), undone.body
        assert (await service.get(f"words/{key}")).body["data"] == before
