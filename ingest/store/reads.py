"""Items as they are stored: pages of a collection, and single ones."""

from collections.abc import Sequence
from typing import Any

from ingest.model import EVERY_FIELD, Page, Selection
from ingest.resources.resource import Resource, StoredField
from ingest.store.pool import Pool
from ingest.store.statements.item_json import item_object
from ingest.store.tables import GROUP, quote, table_name

# Every commit keeps this exact, so the table need not be counted.
_COUNT_ALL = "SELECT items FROM ingest.counters WHERE account = $1 AND collection = $2"
_MAX_BIGINT = 2**63 - 1

Filter = tuple[StoredField, Any]


async def list_items(
    pool: Pool,
    resource: Resource,
    account: str,
    filters: Sequence[Filter],
    *,
    limit: int,
    offset: int,
    select: Selection = EVERY_FIELD,
    groups: Sequence[str] = (),
) -> Page:
    """One page and the count of all that match, of one instant. Ordered by key.

    Args:
        filters: fields and the values that they must equal, as `url_values.parse` reads them.
        groups: only items of these; none for all.
    """
    values = [value for _, value in filters]
    if groups:
        values.append(groups)
    fields = [field for field, _ in filters]
    page, count = page_sql(resource, fields, select=select, confined=bool(groups))
    async with pool.transaction(account, snapshot=True) as connection:
        rows = await connection.fetch(page, account, *values, limit, offset)
        if values:
            total = await connection.fetchval(count, account, *values)
        else:
            total = await connection.fetchval(_COUNT_ALL, account, resource.name)
    return Page([row[0].encode() for row in rows], limit, offset, total or 0)


def page_sql(
    resource: Resource, filters: Sequence[StoredField], *, select: Selection, confined: bool
) -> tuple[str, str]:
    """SQL of one page, and of the count of all that match.

    Parameters: $1 the account, then the value of each filter, then, where the caller is confined,
    its groups. After them, those of the page are its limit and its offset.
    """
    stored = f'FROM {table_name(resource)} t WHERE t."$account" = $1' + "".join(
        f" AND t.{quote(field.column)} = ${number}" for number, field in enumerate(filters, 2)
    )
    order = f"ORDER BY t.{quote(resource.key.column)}"
    last = len(filters) + 1 + confined
    limit, offset = f"${last + 1}::bigint", f"${last + 2}::bigint"
    shown = counted = stored
    if confined:
        counted = f"{stored} AND {_of_groups(last)}"
        # Each group comes out of its index in order, so no more of it is read than is needed.
        # The sum stays in the range of a bigint.
        most = f"{limit} + least({offset}, {_MAX_BIGINT} - {limit})"
        shown = f"""FROM unnest(${last}::text[]) AS own(name) CROSS JOIN LATERAL (
            SELECT t.* {stored} AND t."{GROUP}" = own.name {order} LIMIT {most}
        ) t"""
    item = item_object(resource, "t", select)
    return (
        f"SELECT {item}::text {shown} {order} LIMIT {limit} OFFSET {offset}",
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
    query = (
        f"SELECT {item_object(resource, 't', select)}::text FROM {table_name(resource)} t "
        f'WHERE t."$account" = $1 AND t.{quote(resource.key.column)} = $2'
    )
    if groups:
        values.append(groups)
        query += f" AND {_of_groups(3)}"
    async with pool.transaction(account) as connection:
        item: str | None = await connection.fetchval(query, *values)
    return None if item is None else item.encode()


def _of_groups(parameter: int) -> str:
    return f't."{GROUP}" = ANY (${parameter}::text[])'
