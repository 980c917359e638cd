"""Bring a database up to date: the service's own tables, then those of the resources."""

import asyncio
import threading
from functools import partial
from importlib.resources import files
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from ingest.errors import ConfigurationError
from ingest.resources.registry import Registry
from ingest.store.connecting import FAILURES
from migrations.changes import make_changes
from migrations.driver import reason

SERVICE_SCHEMA = "ingest"
VERSION_TABLE: dict[str, Any] = {
    "version_table": "schema_version",
    "version_table_schema": SERVICE_SCHEMA,
}
"""Where Alembic keeps the revision of a database."""

_ONE_AT_A_TIME = threading.Lock()  # Alembic keeps the migration that runs in global variables
_CONNECT_TIMEOUT = 10.0
_ADVISORY_LOCK = int.from_bytes(b"ingest", "big")
# An index on a large table takes minutes; while a lock is waited for, others queue behind it.
_STATEMENT_TIMEOUT, _LOCK_TIMEOUT = "30min", "10s"


def migrate(database_url: str, registry: Registry) -> list[str]:
    """Bring the database to the newest revision, with the tables that `registry` needs.

    One transaction: on any error nothing has changed. Runs an event loop of its own, so call it
    by `asyncio.to_thread` where one is running already. Two at once wait for each other.

    Args:
        database_url: PostgreSQL, as a superuser, or as a role with CREATEROLE and the right to
            create schemas in the database.
        registry: the resources to be served.

    Returns:
        A sentence for each thing that was done; none if there was nothing to do.

    Raises:
        ConfigurationError: the database cannot be reached or changed, or a schema has changed in
            a way that would lose data: every such place is named.
    """
    try:
        with _ONE_AT_A_TIME:
            return asyncio.run(_migrate(database_url, registry))
    except (*FAILURES, DBAPIError) as error:
        raise ConfigurationError(f"the database cannot be migrated: {reason(error)}") from error


async def _migrate(database_url: str, registry: Registry) -> list[str]:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        # The driver reads the URL itself, so that it means here what it means to the service.
        async_creator=partial(
            asyncpg.connect,
            database_url,
            timeout=_CONNECT_TIMEOUT,
            server_settings={"application_name": "ingest migrate"},
        ),
        poolclass=NullPool,
        isolation_level="READ COMMITTED",
    )
    async with engine.begin() as connection:
        return await connection.run_sync(_migrate_in_transaction, registry)


def _migrate_in_transaction(connection: Connection, registry: Registry) -> list[str]:
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'")
    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")  # for another migration
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
    return [*_upgrade(connection), *make_changes(connection, registry)]


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
