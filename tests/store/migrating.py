"""What the tests of migrations share: the examples, and a resource `things` in the database."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.errors import ConfigurationError
from ingest.examples import airports, contacts, deals
from ingest.resources.registry import Registry
from ingest.store.tables import REQUIRED_REVISION, quote
from migrations.run import migrate

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

Fields = dict[str, fields.Field[Any]]
EXAMPLES = Registry([airports, contacts, deals])
EVERYTHING = [
    f"brought the service's own tables to revision {REQUIRED_REVISION}",
    "airports: created its table",
    "contacts: created its table",
    "deals: created its table",
]


def things(declared: Fields, **options: Any) -> Registry:
    return Registry([Resource("things", Schema.from_dict(declared), **options)])


async def migrated(url: str, registry: Registry, **options: Any) -> list[str]:
    return await asyncio.to_thread(migrate, url, registry, **options)


async def migrated_elsewhere(url: str) -> list[str]:
    """Migrate in a process of its own: within one, migrations take turns."""
    program = (
        "import sys; from ingest.resources.registry import load_registry; "
        "from migrations.run import migrate; "
        "print(*migrate(sys.argv[1], load_registry('ingest.examples')), sep='\\n')"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, url, stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().split("\n")[:-1] if output.strip() else []


@asynccontextmanager
async def connected(url: str, role: str | None = None) -> "AsyncIterator[Connection]":
    connection = await asyncpg.connect(url, server_settings={"role": role} if role else None)
    try:
        yield connection
    finally:
        await connection.close()


async def store(url: str, item: int, account: str = "acme", **values: Any) -> None:
    """Insert an item of `things` with `values` by column name."""
    row = {"$account": account, "$batch": UUID(int=0), "id": UUID(int=item), **values}
    names = ", ".join(map(quote, row))
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    async with connected(url) as connection:
        await connection.execute(
            f'INSERT INTO collections.things ({names}, "$created_at", "$updated_at") '
            f"VALUES ({places}, now(), now())",
            *row.values(),
        )


async def catalog(url: str) -> Sequence[Any]:
    """Everything about the resources' tables that a migration could change."""
    async with connected(url) as connection:
        return await connection.fetch(
            """
            SELECT c.oid, relname, relrowsecurity, relforcerowsecurity, relfilenode,
                attname, atttypid, attnotnull,
                ARRAY(SELECT conname FROM pg_constraint WHERE conrelid = c.oid ORDER BY 1)::text
            FROM pg_class c JOIN pg_attribute ON attrelid = c.oid
            WHERE relnamespace = 'collections'::regnamespace ORDER BY c.oid, attnum
            """
        )


async def refusal(url: str, registry: Registry) -> str:
    """The message of a refused migration, which has changed nothing."""
    before = await catalog(url)
    with pytest.raises(ConfigurationError) as caught:
        await migrated(url, registry)
    assert await catalog(url) == before
    return str(caught.value)
