"""The database for an operator's command: with the login's own rights, over all accounts.

Row-level security hides rows and says nothing of it. So a login that it confines is refused before
a command takes what it sees for all that there is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg

from ingest.errors import ConfigurationError
from ingest.settings import Settings
from ingest.store.missing import missing_tables
from ingest.store.pool import Pool, open_pool
from ingest.store.queries import load_queries

QUERIES = load_queries("operators.sql")
_REMEDY = (
    "connect as the login that runs `ingest migrate`{names}, or as a superuser, "
    "with INGEST_MIGRATE_DATABASE_URL"
)


@asynccontextmanager
async def open_operator_pool(
    settings: Settings, *, statement_timeout: float | None = None
) -> AsyncIterator[Pool]:
    """Open a pool that works with the rights of the login itself, and close it at the end.

    Args:
        settings: where the database is.
        statement_timeout: seconds, in place of `settings.database_timeout`.

    Raises:
        ConfigurationError: the login may not see the rows of all accounts, or lacks a right that
            the block needs; the message says which login has it.
        Unavailable: the database cannot be connected to.
    """
    try:
        async with open_pool(
            settings,
            lacks=partial(missing_tables, served={}),
            logged=False,
            role=None,
            statement_timeout=statement_timeout,
        ) as pool:
            await _check_login(pool)
            yield pool
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(
            f"the login may not do this ({error.args[0]}): {_REMEDY.format(names='')}"
        ) from error


def lacks_right(error: Exception) -> bool:
    """Whether an error says that the login may not do this."""
    return isinstance(error, asyncpg.InsufficientPrivilegeError)


async def _check_login(pool: Pool) -> None:
    async with pool.connection() as connection:
        row = await connection.fetchrow(QUERIES["confined"])
    if row is not None:
        remedy = _REMEDY.format(names=f" ({row['operators']})" if row["operators"] else "")
        raise ConfigurationError(
            f"the login {row['login']} sees no rows of any account, because row-level security "
            f"confines it: {remedy}"
        )
