"""Items as they are stored: pages of a collection, and single ones."""

from collections.abc import Sequence
from typing import Any

from ingest.model import Page
from ingest.resources import Resource, StoredField
from ingest.store.pool import Pool
from ingest.store.rows_sql import item_object
from ingest.store.tables import GROUP, quote, table_name

# Kept exact by every commit, so that nobody has to count the table.
_COUNT_ALL = "SELECT items FROM ingest.counters WHERE account = $1 AND collection = $2"

Filter = tuple[StoredField, Any]


async def list_items(
    pool: Pool,
    resource: Resource,
    account: str,
    filters: Sequence[Filter],
    *,
    limit: int,
    offset: int,
    meta: bool = False,
    groups: Sequence[str] = (),
) -> Page:
    """One page and the count of all that match, of one instant. Ordered by key.

    Args:
        filters: fields and the values that they must equal, as `ingest.url_values` reads them.
        groups: only items of these; none for all.
    """
    values = [value for _, value in filters]
    source = f'FROM {table_name(resource)} t WHERE t."$account" = $1' + "".join(
        f" AND t.{quote(field.column)} = ${number}" for number, (field, _) in enumerate(filters, 2)
    )
    if groups:
        values.append(groups)
        source += f" AND {_of_groups(len(values) + 1)}"
    page = (
        f"SELECT {item_object(resource, 't', meta=meta)}::text {source} "
        f"ORDER BY t.{quote(resource.key.column)} "
        f"LIMIT ${len(values) + 2} OFFSET ${len(values) + 3}"
    )
    async with pool.transaction(account, snapshot=True) as connection:
        rows = await connection.fetch(page, account, *values, limit, offset)
        if values:
            total = await connection.fetchval(f"SELECT count(*) {source}", account, *values)
        else:
            total = await connection.fetchval(_COUNT_ALL, account, resource.name)
    return Page([row[0].encode() for row in rows], limit, offset, total or 0)


async def get_item(
    pool: Pool,
    resource: Resource,
    account: str,
    key: Any,
    *,
    meta: bool = False,
    groups: Sequence[str] = (),
) -> bytes | None:
    """One item by its key (as `ingest.url_values.parse` reads it), as a JSON object by column.

    Args:
        groups: only an item of one of these; none for any.
    """
    values = [account, key]
    query = (
        f"SELECT {item_object(resource, 't', meta=meta)}::text FROM {table_name(resource)} t "
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
