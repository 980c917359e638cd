"""What the records of a batch mean to its table, whatever schema this process has.

::

    the batch's layout is ours      nothing is looked up
    it is another one               read from `ingest.layouts`
    it has none                     an earlier version has accepted it: see `unmarked`

Of a layout that is not ours, unique is what the table keeps unique.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from ingest.errors import IngestError
from ingest.model import Batch
from ingest.resources.columns import ColumnType
from ingest.resources.layout import (
    Layout,
    OtherLayout,
    UnknownFormat,
    layout_from,
    plain_field,
)
from ingest.resources.resource import Resource
from ingest.store import unmarked
from ingest.store.missing import NOT_MIGRATED
from ingest.store.queries import load_queries
from ingest.store.tables import COLLECTIONS, EXACT, columns, table_name

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_QUERIES = load_queries("layouts.sql")


class NotApplicable(IngestError):
    """This process cannot apply the batch for now: it stays accepted, and is no attempt."""


async def register(connection: "Connection", layout: Layout) -> None:
    """Keep what a layout's fingerprint stands for."""
    await connection.execute(_QUERIES["register"], layout.fingerprint, layout.name, layout.document)


async def layout_of(connection: "Connection", resource: Resource, batch: Batch) -> Layout:
    """What the records of a batch mean; `resource` itself wherever that is its own layout.

    Raises:
        NotApplicable: the table lacks a column of it, or it is not known what they mean.
    """
    if batch.layout == resource.fingerprint:
        return resource
    if batch.layout is None:
        return await _layout_of_unmarked(connection, resource, batch)
    document = await connection.fetchval(_QUERIES["read"], batch.layout)
    if document is None:
        raise NotApplicable(f"nothing is known of layout {batch.layout}")
    try:
        layout = _read(document)
    except UnknownFormat as error:
        raise NotApplicable(
            f"the records have format {error}, which only workers of another version know"
        ) from error
    return await as_the_table_has_it(connection, layout)


async def as_the_table_has_it(connection: "Connection", layout: Layout) -> Layout:
    """A layout with the unique attributes of its table; the same object for the same ones.

    Raises:
        NotApplicable: the table lacks a column of it.
    """
    stored = await _columns(connection, layout)
    if lacks := [
        name for name, type_ in columns(layout).items() if stored.get(name) != type_.value
    ]:
        places = ", ".join(f"{COLLECTIONS}.{layout.name}.{name}" for name in lacks[:5])
        raise NotApplicable(f"{NOT_MIGRATED} {places}")
    rows = await connection.fetch(_QUERIES["unique"], *_place(layout))
    unique = tuple(tuple(row["columns"]) for row in rows)
    types = tuple((name, stored[name]) for name in dict.fromkeys(sum(unique, ())))
    return _with_unique(layout, unique, types, EXACT in stored)


async def is_being_indexed(connection: "Connection", layout: Layout) -> bool:
    """Whether a new unique index of the table is about to become a constraint."""
    rows = await connection.fetch(_QUERIES["unique"], *_place(layout))
    return any(row["strict"] for row in rows)


async def _layout_of_unmarked(connection: "Connection", resource: Resource, batch: Batch) -> Layout:
    """The layout of a batch of before layouts were kept; sparse records may be counted anew."""
    row = await connection.fetchrow(
        _QUERIES["named"],
        batch.account,
        batch.id,
        [field.column for field in resource.fields],
        unmarked.always_carried(resource, batch),
        unmarked.carries_what_it_names(resource, batch),
    )
    if row is None:
        raise RuntimeError("an aggregate returned no row")
    found = unmarked.judge(resource, batch, unmarked.Named(**row))
    if found is unmarked.Verdict.OURS:
        return resource
    if found is unmarked.Verdict.UNKNOWN:
        raise NotApplicable(
            "an earlier version accepted them for another schema; a worker with that can apply them"
        )
    stored = await _columns(connection, resource)
    own = {field.column for field in resource.fields}
    more = [name for name in sorted(row["columns"]) if name not in own]
    if lacks := [name for name in more if name not in stored]:
        raise NotApplicable(f"{NOT_MIGRATED} {COLLECTIONS}.{resource.name}.{lacks[0]}")
    wider = _wider(resource, tuple((name, stored[name]) for name in more))
    if row["sparse"]:
        names = [field.column for field in wider.fields]
        await connection.execute(_QUERIES["count_anew"], batch.account, batch.id, names)
    return await as_the_table_has_it(connection, wider)


async def _columns(connection: "Connection", layout: Layout) -> dict[str, str]:
    rows = await connection.fetch(_QUERIES["columns"], table_name(layout))
    return {row["name"]: row["type"] for row in rows}


def _place(layout: Layout) -> tuple[str, str]:
    return table_name(layout), f"{layout.name}("


@lru_cache(maxsize=64)
def _read(document: str) -> Layout:
    return layout_from(document)


@lru_cache(maxsize=64)
def _wider(layout: Layout, more: tuple[tuple[str, str], ...]) -> Layout:
    """A layout with further columns of its table."""
    added = [plain_field(name, ColumnType(type_)) for name, type_ in more]
    fields = (*layout.fields, *added)
    entries = {field.column: layout.exact_entries(field) for field in layout.fields}
    return OtherLayout(
        layout,
        fields=fields,
        unique=layout.unique,
        entries=entries,
        keeps_exact=layout.keeps_exact,
    )


@lru_cache(maxsize=64)
def _with_unique(
    layout: Layout,
    unique: tuple[tuple[str, ...], ...],
    types: tuple[tuple[str, str], ...],
    keeps_exact: bool,
) -> Layout:
    """Args: `keeps_exact` says whether the table has what another layout may have kept there."""
    known = {field.column: field for field in layout.fields}
    others = {
        name: plain_field(name, ColumnType(type_)) for name, type_ in types if name not in known
    }
    return OtherLayout(
        layout,
        fields=layout.fields,
        unique=[tuple({**known, **others}[name] for name in names) for names in unique],
        entries={field.column: layout.exact_entries(field) for field in layout.fields},
        keeps_exact=keeps_exact,
    )
