"""Versions of the servers, and of the tables, that this release does not work with."""

from collections.abc import AsyncIterator

from ingest.doctor.finding import Finding, Subject
from ingest.redis import RedisFailed
from ingest.store.doctor import look
from ingest.store.missing import revision
from ingest.store.tables import REQUIRED_REVISION

_POSTGRES = 15
_REDIS = (6, 2)


async def unsupported(subject: Subject) -> AsyncIterator[Finding]:
    """A PostgreSQL that is too old, and tables that are newer than this release."""
    [row] = await look(subject.pool, "server_version")
    if row["number"] < _POSTGRES * 10_000:
        yield Finding(
            "PostgreSQL",
            f"is version {row['version']}, and the service needs {_POSTGRES} or later",
            "upgrade it with `pg_upgrade`, or restore a dump into a newer one",
        )
    async with subject.pool.connection() as connection:
        migrated = await revision(connection)
    if migrated > REQUIRED_REVISION:
        yield Finding(
            "ingest.schema_version",
            f"is {migrated}, and this release knows none after {REQUIRED_REVISION}",
            "run the release that migrated the database, everywhere and here",
        )


async def redis(subject: Subject) -> AsyncIterator[Finding]:
    """A Redis that does not do what the service needs, or is too old."""
    if subject.redis is None:
        return
    state = await subject.redis.state()
    if state != "ready":
        yield Finding(
            "Redis", state, "see the table under Health in docs/operations.md; nothing is lost"
        )
        return
    try:
        version = await subject.redis.version()
    except RedisFailed:
        return  # a login that may not use INFO does all that the service needs
    if is_too_old(version):
        yield Finding(
            "Redis",
            f"is version {version}, and the service needs 6.2 or later, or Valkey",
            "upgrade it; it holds nothing that has to be kept",
        )


def is_too_old(version: str) -> bool:
    """Whether a version of Redis, such as `7.2.4`, lacks what the service needs."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < _REDIS
