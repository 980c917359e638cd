"""Items as they are stored: pages of a collection, and single ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import asyncpg

from ingest.model import EVERY_FIELD, AtMost, Page, Selection
from ingest.resources.layout import StoredField
from ingest.resources.resource import Resource
from ingest.store.pool import Pool
from ingest.store.statements.item_json import item_object
from ingest.store.tables import GROUP, quote, table_name

if TYPE_CHECKING:
    from ingest.store.pool import Connection

# Every commit keeps this exact, so the table need not be counted.
_COUNT_ALL = "SELECT items FROM ingest.counters WHERE account = $1 AND collection = $2"
_MAX_BIGINT = 2**63 - 1

Filter = tuple[StoredField, Sequence[Any]]


async def list_items(
    pool: Pool,
    resource: Resource,
    account: str,
    filters: Sequence[Filter],
    *,
    at_most: AtMost,
    offset: int = 0,
    after: Any = None,
    select: Selection = EVERY_FIELD,
    groups: Sequence[str] = (),
    counted: bool = True,
) -> Page:
    """One page and the count of all that match, of one instant. Ordered by key.

    Args:
        at_most: the items of a page; fewer where they would be too large together.
        filters: fields and the values of which they must equal one, as `url_values.parse` reads
            them.
        after: a key; only the items behind it.
        groups: only items of these; none for all.
        counted: whether they are counted; else there are said to be none.
    """
    values: list[Any] = [each[0] if len(each) == 1 else each for _, each in filters]
    if groups:
        values.append(groups)
    page, count = page_sql(
        resource, filters, select=select, confined=bool(groups), after=after is not None
    )
    limit = at_most.items
    async with pool.transaction(account, snapshot=True) as connection:
        # So all that come with the page are within the bound.
        large = at_most.bytes // max(limit, 1)
        behind = () if after is None else (after,)
        found = await connection.fetch(page, account, *values, limit + 1, offset, large, *behind)
        fitting = _fitting(found[:limit], at_most.bytes)
        rows = await _with_large(connection, resource, account, fitting, select)
        total = 0
        if counted and values:
            total = await connection.fetchval(count, account, *values)
        elif counted:
            total = await connection.fetchval(_COUNT_ALL, account, resource.name)
    last = fitting[-1]["key"] if len(fitting) < len(found) else None
    return Page(rows, limit, offset, total or 0, last, after is not None)


def _fitting(found: Sequence[asyncpg.Record], most: int) -> Sequence[asyncpg.Record]:
    """The first rows, as many as are not too large together, and at least one."""
    size = 0
    for count, row in enumerate(found):
        size += row["size"]
        if size > most and count:
            return found[:count]
    return found


async def _with_large(
    connection: "Connection",
    resource: Resource,
    account: str,
    found: Sequence[asyncpg.Record],
    select: Selection,
) -> list[bytes]:
    """The items of a page, those included that were too large to come with it."""
    keys = [row["key"] for row in found if row["item"] is None]
    large = {}
    if keys:
        sql = _item_sql(resource, select, f"ANY ($2::{resource.key.type.value}[])")
        rows = await connection.fetch(sql, account, keys)
        large = {row["key"]: row["item"] for row in rows}
    items = [row["item"] or large[row["key"]] for row in found]
    return [item.encode() for item in items]


def page_sql(
    resource: Resource,
    filters: Sequence[Filter],
    *,
    select: Selection,
    confined: bool,
    after: bool = False,
) -> tuple[str, str]:
    """SQL of one page, and of the count of all that match.

    Parameters: $1 the account, then the value of each filter, then, where the caller is confined,
    its groups. After them, those of the page are its limit, its offset, the bytes beyond which an
    item does not come with it, and the key that it begins after.
    """
    stored = f'FROM {table_name(resource)} t WHERE t."$account" = $1' + "".join(
        f" AND t.{quote(field.column)} = {_one_of(field, values, number)}"
        for number, (field, values) in enumerate(filters, 2)
    )
    order = f"ORDER BY t.{quote(resource.key.column)}"
    last = len(filters) + 1 + confined
    limit, offset, large = (f"${last + number}::bigint" for number in (1, 2, 3))
    shown = counted = stored
    if after:
        shown = f"{stored} AND t.{quote(resource.key.column)} > ${last + 4}"
    if confined:
        counted = f"{stored} AND {_of_groups(last)}"
        # Each group comes out of its index in order, so no more of it is read than is needed.
        # The sum stays in the range of a bigint.
        most = f"{limit} + least({offset}, {_MAX_BIGINT} - {limit})"
        shown = f"""FROM unnest(${last}::text[]) AS own(name) CROSS JOIN LATERAL (
            SELECT t.* {shown} AND t."{GROUP}" = own.name {order} LIMIT {most}
        ) t"""
    item = item_object(resource, "t", select)
    key = quote(resource.key.column)
    return (
        f"""SELECT p.key, octet_length(p.item) AS size,
       CASE WHEN octet_length(p.item) <= {large} THEN p.item END AS item
FROM (
    SELECT t.{key} AS key, {item}::text AS item {shown} {order} LIMIT {limit} OFFSET {offset}
) p""",
        f"SELECT count(*) {counted}",
    )


async def get_item(
    pool: Pool,
    resource: Resource,
    account: str,
    key: Any,
    *,
    select: Selection = EVERY_FIELD,
    groups: Sequence[str] = (),
) -> bytes | None:
    """One item by its key (as `url_values.parse` reads it), as a JSON object by column.

    Args:
        groups: only an item of one of these; none for any.
    """
    values = [account, key]
    query = _item_sql(resource, select, "$2")
    if groups:
        values.append(groups)
        query += f" AND {_of_groups(3)}"
    async with pool.transaction(account) as connection:
        item: str | None = await connection.fetchval(query, *values, column=1)
    return None if item is None else item.encode()


def _one_of(field: StoredField, values: Sequence[Any], number: int) -> str:
    return f"${number}" if len(values) == 1 else f"ANY (${number}::{field.type.value}[])"


def _item_sql(resource: Resource, select: Selection, keys: str) -> str:
    """SQL of the items with some keys, each with its key."""
    key = quote(resource.key.column)
    return (
        f"SELECT t.{key} AS key, {item_object(resource, 't', select)}::text AS item "
        f'FROM {table_name(resource)} t WHERE t."$account" = $1 AND t.{key} = {keys}'
    )


def _of_groups(parameter: int) -> str:
    return f't."{GROUP}" = ANY (${parameter}::text[])'
