"""Batches that broke under an earlier release: why is for operators, after the upgrade as well."""

from uuid import UUID

import orjson

from ingest.ids import uuid7
from ingest.model import BatchState
from ingest.settings import Settings
from ingest.store import batches
from ingest.store import dead_letters as broken
from ingest.store.pool import open_pool
from tests.store.migrating import connected, migrated, things

_INSERT = """
INSERT INTO ingest.batches (id, account, collection, action, options, state, trace_id, received,
                            accepted_at, finished_at, error, refusal)
VALUES ($1, 'acme', 'contacts', 'create', '{"resolution": "refuse"}', 'failed', 't', 1,
        now(), now(), $2, $3)
"""
_SHOWN = {
    "type": "system",
    "code": 50001,
    "name": "internal_error",
    "message": "The service could not commit this batch in 5 attempts",
}
_SAID = 'DataError: value "jim\x00@example.com" quoted'
_GENERAL = "It is not its items' fault; the operator can have it tried again."


async def _failed(url: str, error: object, refusal: object = None) -> UUID:
    batch = uuid7()
    documents = [each and orjson.dumps(each).decode() for each in (error, refusal)]
    async with connected(url) as connection:
        await connection.execute(_INSERT, batch, *documents)
    return batch


async def test_what_the_database_said_becomes_the_operators(empty_database: str) -> None:
    registry = things({})
    await migrated(empty_database, registry)
    async with connected(empty_database) as connection:
        # What 0012 did cannot be done twice.
        await connection.execute(
            "CREATE INDEX batches_by_account ON ingest.batches (account, id); "
            "DROP INDEX ingest.batches_listed"
        )
        await connection.execute("UPDATE ingest.schema_version SET version_num = '0010'")
    before = await _failed(empty_database, {**_SHOWN, "description": _SAID})
    new = {**_SHOWN, "description": "Ask.", batches.REASON: "RaiseError: no"}
    after = await _failed(empty_database, new)
    refused = await _failed(empty_database, None, {"description": "Too many."})

    assert len(await migrated(empty_database, registry)) == 1
    async with open_pool(Settings(database_url=empty_database, redis_url=""), role=None) as pool:
        shown = {id_: await batches.get(pool, "acme", id_) for id_ in (before, after)}
        assert [batch and batch.error for batch in shown.values()] == [
            {**_SHOWN, "description": _GENERAL},
            {**_SHOWN, "description": "Ask."},
        ]
        listed = {
            batch.id: batch.reason
            for batch in await broken.list_batches(pool, "acme", BatchState.FAILED, 9)
        }
    assert listed == {
        before: f"{_SHOWN['message']}: {_SAID.replace(chr(0), ' ')}",
        after: f"{_SHOWN['message']}: RaiseError: no",
        refused: "",
    }
