"""Databases of the tests' server: made, emptied and changed by its superuser."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

_Result = TypeVar("_Result")

# A test that failed may have left transactions open; tables that are empty need no TRUNCATE.
_EMPTY = """
DO $$
DECLARE
    filled text;
BEGIN
    PERFORM pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
        AND pid <> pg_backend_pid();
    SELECT string_agg(oid::regclass::text, ', ') INTO filled
    FROM pg_class
    WHERE relnamespace::regnamespace::text IN ('ingest', 'collections', 'images')
        AND relkind = 'r' AND relname NOT IN ('schema_version', 'roles', 'role_rights')
        AND pg_relation_size(oid) > 0;
    IF filled IS NOT NULL THEN
        EXECUTE 'TRUNCATE ' || filled || ' CASCADE';
    END IF;
    DELETE FROM ingest.roles WHERE NOT built_in;
END $$
"""
_numbers = itertools.count()


async def execute(url: str, statements: str) -> None:
    """Run SQL on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


class Emptied:
    """A migrated database that is left as migrating made it, as long as its schema is.

    It is emptied on one connection of its own event loop: a new one before each test would read the
    catalog each time, and take ten times as long. A test may end it with all others.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._loop = asyncio.new_event_loop()
        self._connection = self._connect()

    def empty(self) -> None:
        """Call it where no event loop runs."""
        try:
            self._run(self._connection.execute(_EMPTY))
        except (
            asyncpg.PostgresConnectionError,
            asyncpg.InterfaceError,
            asyncpg.AdminShutdownError,
        ):
            self._connection = self._connect()
            self._run(self._connection.execute(_EMPTY))

    def close(self) -> None:
        self._connection.terminate()
        self._run(asyncio.sleep(0))  # its transport closes in the next turn
        self._loop.close()

    def _connect(self) -> "asyncpg.Connection[Any]":
        return self._run(asyncpg.connect(self.url))

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return self._loop.run_until_complete(work)


@asynccontextmanager
async def copied(server: str, template: str) -> AsyncIterator[str]:
    """The URL of a new copy of a database, which is dropped in the end."""
    name = f"test_{next(_numbers)}"
    await execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield url_of(server, name)
    finally:
        await execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def url_of(server: str, name: str) -> str:
    """The URL of a server's database."""
    return urlsplit(server)._replace(path=f"/{name}").geturl()
