"""Tokens: who may call, for which account, in which role. Only a hash of each is kept.

Creating, listing and revoking are for an operator, who works with the database's own login and
its rights; the service itself only looks tokens up.
"""

import datetime as dt
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import orjson

from ingest.access.callers import digest_of, make_token
from ingest.access.rights import MAX_GROUP_BYTES, Caller, group_fits, rights_of
from ingest.errors import ConfigurationError
from ingest.ids import uuid7
from ingest.store.pool import Pool
from ingest.store.queries import load_queries

QUERIES = load_queries("tokens.sql")
DEFAULT_ROLE = "writer"


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; its secret is not."""

    id: UUID
    account: str
    name: str
    role: str
    groups: Sequence[str]
    dialect: str | None
    """That of its answers; None for the default."""
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None
    """To the minute."""
    revoked_at: dt.datetime | None


async def create_token(
    pool: Pool,
    account: str,
    name: str,
    expires_at: dt.datetime | None = None,
    *,
    role: str = DEFAULT_ROLE,
    groups: Sequence[str] = (),
    dialect: str | None = None,
) -> tuple[UUID, str]:
    """Make a token of 256 random bits; returns its id and the token, which is shown only now.

    Raises:
        ConfigurationError: there is no such role, or an account or group cannot be called that.
    """
    if not all(group_fits(group) for group in groups):
        raise ConfigurationError(f"the name of a group has 1 to {MAX_GROUP_BYTES} bytes")
    token, id_ = make_token(), uuid7()
    names = list(dict.fromkeys(groups))
    values = (id_, account, name, digest_of(token), expires_at, role, names, dialect)
    try:
        async with pool.connection() as connection:
            await connection.execute(QUERIES["create_token"], *values)
    except asyncpg.ForeignKeyViolationError as error:
        raise ConfigurationError(
            f"there is no role {role!r}; `ingest role list` shows those that there are"
        ) from error
    except asyncpg.CheckViolationError as error:
        raise ConfigurationError(
            "an account has 1 to 255 bytes, and a token at most 100 groups"
        ) from error
    return id_, token


async def find_caller(pool: Pool, digest: bytes) -> Caller | None:
    """Who the token of this digest belongs to; None where it is unknown, revoked or expired.

    Raises:
        Unavailable: the database is away, or too busy.
    """
    async with pool.connection() as connection:
        row = await connection.fetchrow(QUERIES["find_token"], digest)
    if row is None or not hmac.compare_digest(row["secret_hash"], digest):
        return None
    rights = rights_of(orjson.loads(row["rights"]))
    return Caller(
        token=row["id"],
        account=row["account"],
        role=row["role"],
        rights=rights,
        groups=tuple(row["groups"]),
        limited=row["limited"],
        dialect=row["dialect"],
    )


async def list_tokens(pool: Pool, account: str | None = None) -> list[Token]:
    """The tokens of an account, or of all accounts; needs a login that may see them."""
    async with pool.connection() as connection:
        rows = await connection.fetch(QUERIES["list_tokens"], account)
    return [Token(**row) for row in rows]


async def revoke_token(pool: Pool, id_: UUID) -> bool:
    """Revoke a token at once; False where there is none that could be revoked."""
    async with pool.connection() as connection:
        return await connection.fetchval(QUERIES["revoke_token"], id_) is not None
