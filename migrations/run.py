"""Bring a database up to date: the service's own tables, then those of the resources."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ingest.errors import ConfigurationError, NotAdmitted
from ingest.resources.registry import Registry
from ingest.store.connecting import FAILURES, not_connected
from migrations.changes import duplicates_refusal, make_changes, plan_changes
from migrations.driver import patiently, reason
from migrations.indexes import build
from migrations.steps import Plan, describe

_Result = TypeVar("_Result")

SERVICE_SCHEMA = "ingest"
VERSION_TABLE: dict[str, Any] = {
    "version_table": "schema_version",
    "version_table_schema": SERVICE_SCHEMA,
}
"""Where Alembic keeps the revision of a database."""

_ONE_AT_A_TIME = threading.Lock()  # Alembic keeps the migration that runs in global variables
_CONNECT_TIMEOUT = 10.0
_ADVISORY_LOCK = int.from_bytes(b"ingest", "big")
_PAUSE = 0.2  # seconds between two looks at what is waited for
# An index on a large table takes minutes. While a lock is waited for, others queue behind it: so
# it is waited for often, and not for long.
_STATEMENT_TIMEOUT, _LOCK_TIMEOUT = "30min", "900ms"


def migrate(
    database_url: str, registry: Registry, *, drop: bool = False, wait: float = 0.0
) -> list[str]:
    """Bring the database to the newest revision, with the tables that `registry` needs.

    One transaction: on any error nothing has changed. Only unique indexes on tables with rows are
    built after it, one by one, while writers go on; what is done then stays done. Runs an event
    loop of its own, so call it by `asyncio.to_thread` where one is running already. Two at once
    wait for each other.

    Args:
        database_url: PostgreSQL, as a superuser, or as a role with CREATEROLE and the right to
            create schemas in the database.
        registry: the resources to be served.
        drop: drop unique constraints that are no longer declared.
        wait: seconds for the database to come up.

    Returns:
        A sentence for each thing that was done, or is left; none if there was nothing to do.

    Raises:
        ConfigurationError: the database cannot be reached or changed, or a schema has changed in
            a way that would lose data: every such place is named.
    """
    return _run(partial(_migrate, database_url, registry, drop, wait))


def plan(
    database_url: str, registry: Registry, *, drop: bool = False, wait: float = 0.0
) -> list[str]:
    """The SQL that `migrate` would run, with comments; nothing is changed, and no lock is taken.

    Args, Raises: as `migrate`.
    """
    return _run(partial(_plan, database_url, registry, drop, wait))


def _run(call: Callable[[], Coroutine[Any, Any, list[str]]]) -> list[str]:
    try:
        with _ONE_AT_A_TIME:
            return asyncio.run(call())
    except (*FAILURES, DBAPIError) as error:
        raise ConfigurationError(f"the database cannot be migrated: {reason(error)}") from error


async def _migrate(database_url: str, registry: Registry, drop: bool, wait: float) -> list[str]:
    driver = await _connect_patiently(database_url, wait)
    try:
        await _take_turn(driver)
        planned = await patiently(
            lambda: _autocommitting(
                database_url, partial(plan_changes, registry=registry, drop=drop)
            )
        )
        done = await patiently(lambda: _in_transaction(database_url, planned))
        for index in planned.indexes:
            repeated = partial(
                duplicates_refusal, resource=index.resource, columns=index.columns[:-1]
            )
            await build(driver, index, partial(_autocommitting, database_url, repeated))
            done.append(index.sentence)
    finally:
        driver.terminate()
    return [*done, *planned.kept]


async def _plan(database_url: str, registry: Registry, drop: bool, wait: float) -> list[str]:
    await (await _connect_patiently(database_url, wait)).close()

    def described(connection: Connection) -> list[str]:
        changes = plan_changes(connection, registry, drop=drop, changes_nothing=True)
        return [*_pending_revisions(connection), *describe(changes)]

    return await _autocommitting(database_url, described)


async def _connect_patiently(database_url: str, wait: float) -> "asyncpg.Connection[Any]":
    """A connection, as soon as the database lets us in, within `wait` seconds."""
    ends = time.monotonic() + wait
    while True:
        try:
            return await _connect(database_url)
        except FAILURES as error:
            if isinstance(not_connected(error), NotAdmitted) or time.monotonic() >= ends:
                raise
            await asyncio.sleep(_PAUSE)


async def _connect(database_url: str) -> "asyncpg.Connection[Any]":
    return await asyncpg.connect(
        database_url,
        timeout=_CONNECT_TIMEOUT,
        server_settings={
            "application_name": "ingest migrate",
            "statement_timeout": _STATEMENT_TIMEOUT,
            "lock_timeout": _LOCK_TIMEOUT,
        },
    )


async def _take_turn(driver: "asyncpg.Connection[Any]") -> None:
    """Be the only migration, for as long as the connection lasts.

    A statement that waited for the lock would keep a snapshot, for whose end the other migration
    may wait in turn.
    """
    while not await driver.fetchval("SELECT pg_try_advisory_lock($1)", _ADVISORY_LOCK):  # noqa: ASYNC110 - another process has it
        await asyncio.sleep(_PAUSE)


def _engine(database_url: str) -> AsyncEngine:
    return create_async_engine(
        "postgresql+asyncpg://",
        # The driver reads the URL itself, so that it means here what it means to the service.
        async_creator=partial(_connect, database_url),
        poolclass=NullPool,
        isolation_level="READ COMMITTED",
    )


async def _autocommitting(database_url: str, call: Callable[[Connection], _Result]) -> _Result:
    """What `call` returns for a connection that commits each statement."""
    async with _engine(database_url).connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        return await connection.run_sync(call)


async def _in_transaction(database_url: str, planned: Plan) -> list[str]:
    async with _engine(database_url).begin() as connection:
        return await connection.run_sync(
            lambda sync: [*_upgrade(sync), *make_changes(sync, planned)]
        )


def _pending_revisions(connection: Connection) -> list[str]:
    """The scripts of the revisions that the database has not had."""
    has_schema = connection.dialect.has_schema(connection, SERVICE_SCHEMA)
    current = _revision(connection) if has_schema else None
    revisions = ScriptDirectory(str(files("migrations"))).walk_revisions()
    pending = [each for each in revisions if current is None or each.revision > current]
    lines: list[str] = []
    for each in reversed(pending):
        script = Path(each.path).with_suffix(".sql").read_text(encoding="utf-8")
        lines += [f"-- revision {each.revision}: {each.doc}", script.rstrip()]
    return lines


def _upgrade(connection: Connection) -> list[str]:
    """Run the revisions that this database has not had."""
    if not connection.dialect.has_schema(connection, SERVICE_SCHEMA):
        connection.exec_driver_sql(f"CREATE SCHEMA {SERVICE_SCHEMA}")
    before = _revision(connection)
    config = Config(attributes={"connection": connection})
    # Found through the package, so that it works from an installed wheel; `%` is special there.
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigurationError(
            f"the database is at revision {before}, which this version of the service does not "
            "know; migrate with the version that serves it"
        ) from error
    after = _revision(connection)
    return [] if after == before else [f"brought the service's own tables to revision {after}"]


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts=VERSION_TABLE).get_current_revision()
