"""What the database lacks of the tables that a registry needs."""

from collections.abc import Iterator, Mapping
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


async def missing_tables(connection: "Connection", served: Mapping[str, Resource]) -> list[str]:
    """What `ingest migrate` has yet to do; empty when the database is ready for these resources.

    Each entry names a place: `ingest at revision 0002`, `collections.contacts`,
    `collections.contacts.age` or the unique constraint `collections.contacts(email)`. A column
    of another type counts as missing; an index does not, because everything works without it. The
    role `ingest_app` may call this.
    """
    missing = []
    if await revision(connection) < REQUIRED_REVISION:
        missing.append(f"ingest at revision {REQUIRED_REVISION}")
    places = [place for resource in served.values() for place in _places(resource)]
    columns_of_places = zip(*places, strict=True) if places else [()] * 4
    rows = await connection.fetch(_QUERIES["missing"], COLLECTIONS, *columns_of_places)
    return [*missing, *(row[0] for row in rows)]


def _places(resource: Resource) -> Iterator[tuple[str, str, str | None, str | None]]:
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
