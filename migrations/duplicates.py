"""Values that keep an attribute from becoming unique, looked for while writers go on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, inspect

from ingest.resources.resource import Resource
from ingest.store.tables import ACCOUNT, COLLECTIONS, quote, table_name

_POLICY = quote("$migration")
_SEES_ALL = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"


def sees_all(connection: Connection) -> bool:
    """Whether the login sees the items of every account as it is."""
    return bool(connection.exec_driver_sql(_SEES_ALL).scalar_one())


@contextmanager
def seeing_all(connection: Connection, resource: Resource) -> Iterator[None]:
    """Let the owner of a table see every account's items, as FORCE ROW LEVEL SECURITY does not.

    The connection commits each statement. To lift FORCE would stop writers for as long as it takes
    to read the table; a policy stops them for two moments.
    """
    if sees_all(connection):
        yield
        return
    table = table_name(resource)
    drop = f"DROP POLICY IF EXISTS {_POLICY} ON {table}"
    connection.exec_driver_sql(drop)
    connection.exec_driver_sql(
        f"CREATE POLICY {_POLICY} ON {table} FOR SELECT TO CURRENT_USER USING (true)"
    )
    try:
        yield
    finally:
        connection.exec_driver_sql(drop)


def duplicates(connection: Connection, resource: Resource, columns: Sequence[str]) -> str | None:
    """How many values repeat, with an example; None where none does, or a column is new.

    The example names two items by their keys, and no value.
    """
    stored = inspect(connection).get_columns(resource.name, schema=COLLECTIONS)
    if not {column["name"] for column in stored}.issuperset(columns):
        return None  # a new column is null everywhere, and nulls are distinct
    table, names, key = table_name(resource), ", ".join(map(quote, columns)), resource.key.column
    row = connection.exec_driver_sql(
        f"SELECT count(*) OVER (), {quote(ACCOUNT)}, (array_agg({quote(key)}::text "  # noqa: S608 - quoted
        f"ORDER BY {quote(key)}))[1:2] FROM {table} WHERE num_nulls({names}) = 0 "
        f"GROUP BY {quote(ACCOUNT)}, {names} HAVING count(*) > 1 ORDER BY 2, 3 LIMIT 1"
    ).one_or_none()
    if row is None:
        return None
    count, account, (first, second) = row
    return (
        f"{count} value(s) held by more than one item of an account, such as items {first!r} and "
        f"{second!r} of account {account!r}"
    )
