"""Roles: named sets of rights, made by an operator and the same for every account."""

import datetime as dt
from dataclasses import dataclass

import asyncpg
import orjson

from ingest.access.rights import Rights, rights_of
from ingest.errors import ConfigurationError
from ingest.store.pool import Pool
from ingest.store.queries import load_queries

QUERIES = load_queries("roles.sql")


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of rights."""

    name: str
    built_in: bool
    created_at: dt.datetime
    rights: Rights


async def create_role(pool: Pool, name: str, rights: Rights) -> None:
    """Make a role.

    Raises:
        ConfigurationError: it is there already, or cannot be called that.
    """
    try:
        async with pool.connection() as connection, connection.transaction():
            await connection.execute(QUERIES["create_role"], name)
            for collection, held in rights.items():
                await connection.execute(QUERIES["allow"], name, collection, sorted(held))
    except asyncpg.UniqueViolationError as error:
        raise ConfigurationError(f"there is a role {name!r} already") from error
    except asyncpg.CheckViolationError as error:
        raise ConfigurationError(
            f"a role cannot be called {name!r}: its name is lower-case letters, digits, '_' and "
            "'-', begins with a letter and has at most 48 characters"
        ) from error


async def list_roles(pool: Pool) -> list[Role]:
    """Every role, the built-in ones first."""
    async with pool.connection() as connection:
        rows = await connection.fetch(QUERIES["list_roles"])
    return [Role(**{**row, "rights": rights_of(orjson.loads(row["rights"]))}) for row in rows]


async def delete_role(pool: Pool, name: str) -> None:
    """Remove a role that no token was ever made with.

    Raises:
        ConfigurationError: there is no such role, it is built in, or tokens have it.
    """
    try:
        async with pool.connection() as connection:
            deleted = await connection.fetchval(QUERIES["delete_role"], name)
    except asyncpg.ForeignKeyViolationError as error:
        raise ConfigurationError(
            f"tokens were made with the role {name!r}; it stays, so that one can tell what they "
            "could do"
        ) from error
    if deleted is None:
        raise ConfigurationError(f"there is no role {name!r} that could be deleted")
