"""What the database lacks of the tables that a registry needs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ingest.resources.resource import Resource
from ingest.store.queries import load_queries
from ingest.store.statements.tallies import triggers
from ingest.store.tables import COLLECTIONS, REQUIRED_REVISION, columns, unique_name

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

_QUERIES = load_queries("readiness.sql")
NOT_MIGRATED = "not migrated: lacks"
_NAMED = 5  # of what is missing
_Place = tuple[str, str, str | None, str | None]


async def missing_tables(connection: "Connection", served: Mapping[str, Resource]) -> list[str]:
    """What `ingest migrate` has yet to do; empty when the database is ready for these resources.

    Each entry names a place: `ingest at revision 0002`, `collections.contacts`,
    `collections.contacts.age` or the unique constraint `collections.contacts(email)`. A column
    of another type counts as missing; an index does not, because everything works without it. The
    role `ingest_app` may call this.
    """
    return await _missing(connection, [each for one in served.values() for each in _places(one)])


async def missing_for_writes(connection: "Connection", resource: Resource) -> list[str]:
    """The same, of what writes to one collection need: summaries are not among that."""
    return await _missing(connection, [each for each in _places(resource) if each[1] != "trigger"])


def not_migrated(missing: Sequence[str]) -> str:
    """What is wrong, and what to do about it; empty where nothing is missing."""
    places = ", ".join(missing[:_NAMED])
    return f"{NOT_MIGRATED} {places}; run `ingest migrate`" if missing else ""


async def _missing(connection: "Connection", places: Sequence[_Place]) -> list[str]:
    missing = []
    if await revision(connection) < REQUIRED_REVISION:
        missing.append(f"ingest at revision {REQUIRED_REVISION}")
    columns_of_places = zip(*places, strict=True) if places else [()] * 4
    rows = await connection.fetch(_QUERIES["missing"], COLLECTIONS, *columns_of_places)
    return [*missing, *(row[0] for row in rows)]


def _places(resource: Resource) -> Iterator[_Place]:
    """What the database must have for a resource: (table, kind, name, type)."""
    table = resource.name
    yield table, "table", None, None
    for name, type_ in columns(resource).items():
        yield table, "column", name, type_.value
    for fields in resource.unique:
        yield table, "unique", unique_name(resource, fields), None
    for name in triggers(resource):
        yield table, "trigger", name, None


async def revision(connection: "Connection") -> str:
    """The revision of the database, `""` before the first."""
    if not await connection.fetchval(_QUERIES["has_revisions"]):
        return ""
    found: str | None = await connection.fetchval(_QUERIES["revision"])
    return found or ""
