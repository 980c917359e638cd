"""Batches that fail for the service's own reason: bounded, visible, in no other's way, retried."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
import pytest
from arq import Retry
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from ingest.cli.main import cli
from ingest.errors import InternalError
from ingest.ids import uuid7
from ingest.model import BatchState
from ingest.settings import Settings
from ingest.store import batches, dead_letters
from ingest.store.pool import Pool
from tests.chaos.faults import Point
from tests.chaos.injection import Held, injected
from tests.harness import Service
from workers.commit import Committer

_ACCEPT = """
INSERT INTO ingest.batches
    (id, account, collection, action, options, state, trace_id, received, accepted_at,
     idempotency_key, fingerprint)
SELECT $1, 'acme', 'contacts', 'create', options, 'accepted', 't', 1, now() - interval '1 minute',
       'poisoned', decode(repeat('00', 32), 'hex')
FROM ingest.batches LIMIT 1
"""
_PAYLOAD = "INSERT INTO ingest.payloads (batch, chunk, account, records) VALUES ($1, 0, 'acme', $2)"

_TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction'
"""


def contact(name: str) -> dict[str, Any]:
    return {"email": f"{name}@example.com", "first_name": name}


async def poisoned(operator: Pool, service: Service, records: bytes | None) -> UUID:
    """A batch that was accepted a minute ago, and whose staged bytes are these."""
    assert (await service.post("contacts", [contact("first")])).status == 201
    batch = uuid7()
    async with operator.connection() as connection:
        await connection.execute(_ACCEPT, batch)
        if records is not None:
            await connection.execute(_PAYLOAD, batch, records)
    return batch


async def until(operator: Pool, query: str) -> None:
    """Wait until a query counts something."""
    async with asyncio.timeout(20), operator.connection() as connection:
        while not await connection.fetchval(query):  # noqa: ASYNC110 - it happens in the database
            await asyncio.sleep(0.01)


async def state_of(operator: Pool, batch: UUID) -> tuple[str, int]:
    async with operator.connection() as connection:
        row = await connection.fetchrow(
            "SELECT state, attempts FROM ingest.batches WHERE id = $1", batch
        )
    assert row is not None
    return row["state"], row["attempts"]


async def finished(operator: Pool, batch: UUID) -> tuple[str, int]:
    async with asyncio.timeout(30):
        while (found := await state_of(operator, batch))[0] == "accepted":  # noqa: ASYNC110 - a worker does it
            await asyncio.sleep(0.02)
    return found


def is_end(line: Any, batch: UUID) -> bool:
    """Whether a line of the log says what a batch came to."""
    return bool(line["event"] == "batch finished" and line["batch"] == str(batch))


@pytest.mark.parametrize("records", [b"\xff\xfe", b"{", b'[{"$i": "x"}]', b"[]", None])
async def test_a_damaged_batch_fails_and_others_pass(
    service: Service, operator: Pool, settings: Settings, records: bytes | None
) -> None:
    batch = await poisoned(operator, service, records)
    with capture_logs() as lines:
        assert (await service.post("contacts", [contact("behind")])).status == 201
        assert await finished(operator, batch) == ("failed", settings.max_attempts)
        async with asyncio.timeout(20):
            while not (said := [line for line in lines if is_end(line, batch)]):  # noqa: ASYNC110 - a list
                await asyncio.sleep(0.01)
    assert [(line["account"], line["state"], line["received"]) for line in said] == [
        ("acme", "failed", 1)
    ]
    shown = (await service.get(f"batches/{batch}")).body["data"]
    assert (shown["state"], shown["response"]["status"]) == ("failed", 500)
    reason = shown["response"]["body"]["error"]
    assert reason["code"] == InternalError.error_code.code
    assert f"in {settings.max_attempts} attempts" in reason["message"]
    assert "operator" in reason["description"]
    assert set(reason) == {"type", "code", "name", "message", "description", "moreInfo"}
    assert await service.count("contacts") == 2


@pytest.mark.own_database
async def test_a_poisoned_batch_spoils_no_other(
    service: Service, operator: Pool, settings: Settings
) -> None:
    """A batch that always raises in the database fails alone, and holds up no other."""
    async with operator.connection() as connection:
        await connection.execute(
            """
            CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$BEGIN RAISE EXCEPTION 'not today'; END$$;
            CREATE TRIGGER refuse BEFORE INSERT ON collections.contacts FOR EACH ROW
                WHEN (NEW.first_name = 'Poison') EXECUTE FUNCTION public.refuse()
            """
        )
    wanted = [[contact("Poison" if number == 3 else f"Jo{number}")] for number in range(1, 8)]
    replies = await asyncio.gather(
        *(service.post("contacts", items, prefer="wait=30") for items in wanted)
    )
    assert [reply.status for reply in replies] == [201, 201, 500, 201, 201, 201, 201]
    assert f"in {settings.max_attempts} attempts" in replies[2].body["error"]["message"]
    assert "not today" not in str(replies[2].body)
    listed = await command(settings, "batches", "list", "--state", "failed")
    assert "RaiseError: not today" in listed.stdout


_FAILED = """
INSERT INTO ingest.batches (id, account, collection, action, options, state, trace_id, received,
                            accepted_at, finished_at, error, refusal)
VALUES ($1, 'acme', 'contacts', 'create', '{"resolution": "refuse"}', 'failed', 't', 1,
        now(), now(), $2, $3)
"""


async def test_the_reason_is_for_operators(operator: Pool) -> None:
    shown = {"message": "The service could not commit this batch in 5 attempts"}
    broken, refused = uuid7(), uuid7()
    error = orjson.dumps({**shown, batches.REASON: "RaiseError: no"}).decode()
    async with operator.connection() as connection:
        await connection.execute(_FAILED, broken, error, None)
        await connection.execute(_FAILED, refused, None, '{"description": "Too many."}')
    batch = await batches.get(operator, "acme", broken)
    assert batch is not None
    assert batch.error == shown
    listed = await dead_letters.list_batches(operator, "acme", BatchState.FAILED, 9)
    assert {each.id: each.reason for each in listed} == {
        broken: f"{shown['message']}: RaiseError: no",
        refused: "",
    }


def ingest(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, env={"INGEST_DATABASE_URL": settings.database_url})


async def command(settings: Settings, *arguments: str) -> Result:
    return await asyncio.to_thread(ingest, settings, *arguments)


async def test_it_is_listed_and_retried(
    service: Service, operator: Pool, settings: Settings
) -> None:
    batch = await poisoned(operator, service, b"{")
    await finished(operator, batch)
    listed = await command(settings, "batches", "list", "--account", "acme", "--state", "failed")
    (line,) = listed.stdout.splitlines()[1:]
    assert line.startswith(f"{batch}\tacme\tcontacts\tcreate\tfailed\t1\t5\t")
    assert "\tyes\t" in line
    assert "could not commit" in line
    assert (await command(settings, "batches", "list", "--account", "rival")).stdout.count(
        "\n"
    ) == 1

    again = await command(settings, "batches", "retry", str(batch))
    assert (again.exit_code, again.stdout) == (0, "")
    assert (await finished(operator, batch))[0] == "failed"  # its bytes are what they were

    async with operator.connection() as connection:
        good = await connection.fetchval(
            "SELECT records FROM ingest.payloads WHERE batch <> $1", batch
        )
        (record,) = orjson.loads(
            good.replace(b"first", b"mended").replace(b"mended_name", b"first_name")
        )
        await connection.execute(
            "UPDATE ingest.payloads SET records = $2 WHERE batch = $1",
            batch,
            orjson.dumps([{**record, "id": str(uuid7())}]),
        )
    assert (await command(settings, "batches", "retry", str(batch))).exit_code == 0
    assert (await finished(operator, batch))[0] == "committed"
    assert await service.count("contacts", first_name="mended") == 1


async def test_only_what_can_be_retried_is(
    service: Service, operator: Pool, settings: Settings
) -> None:
    batch = await poisoned(operator, service, b"{")
    await finished(operator, batch)
    async with operator.connection() as connection:
        await connection.execute("DELETE FROM ingest.payloads WHERE batch = $1", batch)
    committed = (await service.post("contacts", [contact("x")])).body["metadata"]["batchId"]
    refused = (await service.post("contacts", [contact("x")])).body["metadata"]["batchId"]
    reasons = {
        str(batch): "no longer kept",
        committed: "is committed: only failed ones",
        refused: "because of its items",
        str(uuid7()): "there is no batch",
    }
    for each, reason in reasons.items():
        result = await command(settings, "batches", "retry", each)
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
        assert reason in result.stderr


async def test_a_lost_connection_is_no_attempt(
    api: Service, operator: Pool, committer: Committer
) -> None:
    reply = await api.post("contacts", [contact("away")], prefer="respond-async")
    batch = UUID(reply.body["metadata"]["batchId"])
    held = Held(Point.BEFORE_COMMIT)
    with injected(held):
        committing = asyncio.create_task(committer.commit("acme", batch, 1))
        await held.there.wait()
    await until(operator, _TERMINATE)
    held.go.set()
    with pytest.raises(Retry):
        await committing
    assert await state_of(operator, batch) == ("accepted", 0)
    await committer.commit("acme", batch, 2)
    assert await state_of(operator, batch) == ("committed", 0)


async def test_a_second_ring_does_not_wait_for_the_first(
    api: Service, operator: Pool, committer: Committer
) -> None:
    reply = await api.post("contacts", [contact("rung")], prefer="respond-async")
    batch = UUID(reply.body["metadata"]["batchId"])
    held = Held(Point.BEFORE_COMMIT)
    with injected(held):
        first = asyncio.create_task(committer.commit("acme", batch, 1))
        await held.there.wait()
    await committer.commit("acme", batch, 1)
    assert await state_of(operator, batch) == ("accepted", 0)
    held.go.set()
    await first
    assert await state_of(operator, batch) == ("committed", 0)
    assert await state_of(operator, batch) == ("committed", 0)
