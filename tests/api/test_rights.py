"""A token may do what its role says, and an error names what it lacks (contract 2 and 4)."""

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ingest.access.callers import digest_of
from ingest.access.rights import parse_grants
from ingest.errors import ConfigurationError
from ingest.store.pool import Pool
from ingest.store.roles import create_role, delete_role, list_roles
from ingest.store.tokens import create_token, find_caller, list_tokens
from tests.api.shared import JIM, NOTHING, contact, send, written
from tests.api.streaming import NDJSON
from tests.api.test_writes import FRA
from tests.harness import Reply, Service
from tests.waiting import until

Client = Callable[..., Awaitable[Service]]


@pytest.fixture
def client(api: Service, operator: Pool) -> Client:
    """A client with a token of `acme` in a role; `grants` make the role."""

    async def made(role: str, *grants: str) -> Service:
        if grants:
            await create_role(operator, role, parse_grants(grants))
        _, token = await create_token(operator, "acme", role, role=role)
        return Service(api.client, token)

    return made


def _refused(reply: Reply, right: str) -> None:
    assert (reply.status, reply.error) == (403, (40301, "not_permitted"))
    assert f"right '{right}'" in reply.body["error"]["description"]
    assert reply.body["error"]["type"] == "permission"
    assert reply.headers["WWW-Authenticate"] == (
        f'Bearer error="insufficient_scope", scope="{right}"'
    )


async def test_a_reader_only_reads(service: Service, client: Client, operator: Pool) -> None:
    reader = await client("reader")
    before = await written(operator)
    _refused(await reader.post("contacts", JIM), "create")
    _refused(await reader.patch("contacts", JIM), "update")
    _refused(await reader.delete("contacts", ["x"]), "delete")
    _refused(await reader.request("POST", "/v1/contacts:delete", ["x"]), "delete")
    _refused(await reader.post("contacts?dryRun=true", JIM), "create")
    assert await written(operator) == before == NOTHING

    saved = await service.post("contacts", JIM)
    batch, key = saved.body["metadata"]["batchId"], saved.body["data"][0]["id"]
    for path in ("contacts", f"contacts/{key}", "batches", f"batches/{batch}"):
        assert (await reader.get(path)).status == 200, path


async def test_without_read_nothing_stored_is_shown(service: Service, client: Client) -> None:
    blind = await client("blind", "create,update,delete")
    saved = await blind.post("contacts", contact(1, age=41))
    assert saved.status == 201
    assert "data" not in saved.body
    batch = saved.body["metadata"]["batchId"]
    stored = (await service.get("contacts")).body["data"][0]
    changed = await blind.patch("contacts", {"id": stored["id"], "first_name": "X"})
    assert (changed.status, "data" in changed.body) == (200, False)
    _refused(await blind.get("contacts"), "read")
    _refused(await blind.get(f"contacts/{stored['id']}"), "read")
    gone = await blind.delete("contacts", [stored["id"]])
    assert (gone.status, "data" in gone.body) == (200, False)
    # It may follow its own batches only.
    theirs = (await service.post("contacts", JIM)).body["metadata"]["batchId"]
    own = await blind.get(f"batches/{batch}")
    assert own.body["data"]["state"] == "committed"
    assert "data" not in own.body["data"]["response"]["body"]
    assert (await blind.get("batches")).body["metadata"]["recordsCount"] == 3
    _refused(await blind.get(f"batches/{theirs}"), "read")
    _refused(await blind.get(f"batches/{theirs}/failures"), "read")


async def test_a_batch_is_shown_by_the_rights_of_now(
    service: Service, client: Client, operator: Pool
) -> None:
    """What a token might see when it wrote, it need not see for ever."""
    feed = await client("feed", "contacts=create,read")
    saved = await feed.post("contacts", [contact(1), {}], prefer="handling=lenient")
    assert saved.body["data"]
    path = f"batches/{saved.body['metadata']['batchId']}"
    assert (await feed.get(path)).body["data"]["response"]["body"]["data"] == saved.body["data"]

    async def has_lost_its_right() -> bool:
        return (await feed.get("contacts")).status == 403

    async with operator.connection() as connection:
        await connection.execute(
            "UPDATE ingest.role_rights SET rights = '{create}' WHERE role = 'feed'"
        )
    await until(has_lost_its_right)
    own = (await feed.get(path)).body["data"]
    assert (own["state"], own["response"]["status"]) == ("committed", 207)
    assert own["metadata"]["created"] == 1
    assert own["failures"][0]["rawData"] == {}
    assert "outcomes" not in own["metadata"]
    assert "data" not in own["response"]["body"]
    assert contact(1)["email"] not in json.dumps(own)
    assert (await feed.get(f"{path}/failures")).status == 200
    assert (await service.get(path)).body["data"]["response"]["body"]["data"] == saved.body["data"]


@pytest.mark.parametrize("media_type", ["application/json", NDJSON])
async def test_a_replay_shows_no_more_than_may_be_read(
    service: Service, client: Client, media_type: str
) -> None:
    blind = await client("blind", "create")

    async def sent(by: Service, prefer: str) -> Reply:
        body = json.dumps(JIM)
        return await send(
            by, "contacts", body, content_type=media_type, idempotency_key="k", prefer=prefer
        )

    first = await sent(service, "wait=10")
    assert first.body["data"][0]["email"] == JIM["email"]
    assert first.body["metadata"]["outcomes"] == ["created"]
    replayed = await sent(blind, "wait=10, replay=return")
    assert (replayed.status, replayed.headers["Idempotency-Replayed"]) == (201, "true")
    assert "data" not in replayed.body
    assert "outcomes" not in replayed.body["metadata"]
    assert replayed.body["message"] == "1 created"
    again = await sent(service, "wait=10, replay=return")
    assert (again.body["data"], again.body["message"]) == (first.body["data"], "1 created")


async def test_rights_are_of_collections(service: Service, client: Client) -> None:
    feed = await client("feed", "contacts=create,read", "airports=read")
    assert (await feed.post("contacts", JIM)).status == 201
    _refused(await feed.post("airports", FRA), "create")
    _refused(await feed.get("deals"), "read")
    await service.post("airports", FRA)
    theirs = await service.post("deals", {"title": "t", "value": "1"})
    assert (await feed.get("airports/FRA")).status == 200
    shown = (await feed.get("batches")).body
    assert {batch["collection"] for batch in shown["data"]} == {"contacts", "airports"}
    assert shown["metadata"]["recordsCount"] == 2
    _refused(await feed.get(f"batches/{theirs.body['metadata']['batchId']}"), "read")
    assert (await feed.get("nothing")).error == (40402, "unknown_collection")


async def test_merging_needs_the_right_to_update(service: Service, client: Client) -> None:
    adder = await client("adder", "create,read")
    assert (await adder.post("airports", FRA)).status == 201
    ignored = await adder.post("airports", FRA, prefer="resolution=ignore-duplicates")
    assert ignored.status == 201
    _refused(await adder.post("airports", FRA, prefer="resolution=merge-duplicates"), "update")


async def test_admin_includes_the_other_rights(service: Service, client: Client) -> None:
    for admin in (await client("admin"), await client("boss", "airports=admin")):
        assert (await admin.post("airports", FRA)).status == 201
        assert (await admin.patch("airports", {"iata": "FRA", "city": "X"})).status == 200
        assert (await admin.get("airports/FRA")).body["data"]["city"] == "X"
        assert (await admin.delete("airports", ["FRA"])).status == 200


async def test_a_role_is_a_name_for_rights(operator: Pool) -> None:
    await create_role(operator, "feed", parse_grants(["read", "contacts=create, update"]))
    roles = {role.name: role for role in await list_roles(operator)}
    assert list(roles) == ["admin", "reader", "writer", "feed"]
    assert {name for name, role in roles.items() if role.built_in} == {"admin", "reader", "writer"}
    assert roles["feed"].rights == {"*": {"read"}, "contacts": {"create", "update"}}
    assert roles["writer"].rights == {"*": {"create", "read", "update", "delete"}}
    await delete_role(operator, "feed")
    assert len(await list_roles(operator)) == 3


@pytest.mark.parametrize("name", ["reader", "nothing", "used"])
async def test_roles_that_stay(operator: Pool, name: str) -> None:
    await create_role(operator, "used", parse_grants(["read"]))
    await create_token(operator, "acme", "", role="used")
    with pytest.raises(ConfigurationError, match=name):
        await delete_role(operator, name)
    assert len(await list_roles(operator)) == 4


@pytest.mark.parametrize("name", ["", "Reader", "a b", "x" * 49, "reader"])
async def test_names_that_no_role_can_have(operator: Pool, name: str) -> None:
    with pytest.raises(ConfigurationError):
        await create_role(operator, name, parse_grants(["read"]))


@pytest.mark.parametrize("grants", [[], ["write"], ["=read"], ["contacts="], ["contacts"]])
def test_grants_that_cannot_be_read(grants: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        parse_grants(grants)


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "nobody"},
        {"groups": [""]},
        {"groups": [str(n) for n in range(101)]},
        {"groups": ["a", "g" * 256]},
        {"groups": ["ä" * 128]},
    ],
)
async def test_tokens_that_cannot_be(operator: Pool, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        await create_token(operator, "acme", "", **wrong)
    assert await list_tokens(operator) == []


async def test_the_last_use_is_recorded_once_a_minute(operator: Pool) -> None:
    _, token = await create_token(operator, "acme", "")

    async def used() -> dt.datetime | None:
        assert await find_caller(operator, digest_of(token)) is not None
        (listed,) = await list_tokens(operator)
        return listed.last_used_at

    first = await used()
    assert first is not None
    assert await used() == first
    async with operator.connection() as connection:
        age = "UPDATE ingest.tokens SET last_used_at = last_used_at - interval '61 seconds'"
        await connection.execute(age)
    again = await used()
    assert again is not None
    assert again > first


async def test_a_look_up_waits_for_no_other(operator: Pool) -> None:
    """Another process may be recording the use of the token at this moment."""
    id_, token = await create_token(operator, "acme", "")
    async with operator.connection() as other, other.transaction():
        await other.execute("SELECT FROM ingest.tokens WHERE id = $1 FOR UPDATE", id_)
        async with asyncio.timeout(60):
            assert await find_caller(operator, digest_of(token)) is not None
