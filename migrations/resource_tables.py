"""The tables of resources, as SQLAlchemy describes them: one for each, in schema `collections`.

Every table is keyed by account and key, and row-level security shows `ingest_app` the rows of the
account that `ingest.account` names, and no others.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from ingest.resources.columns import ColumnType
from ingest.resources.resource import Resource
from ingest.store.tables import (
    ACCOUNT,
    COLLECTIONS,
    GROUP,
    SERVICE_COLUMNS,
    VERSION,
    columns,
    group_index_name,
    table_name,
    unique_name,
)

# The byte order of text: the same on every machine, and what keys are listed in.
_TYPES: dict[ColumnType, TypeEngine[Any]] = {
    ColumnType.TEXT: sa.TEXT(collation="C"),
    ColumnType.BIGINT: sa.BIGINT(),
    ColumnType.DOUBLE: sa.DOUBLE_PRECISION(),
    ColumnType.NUMERIC: sa.NUMERIC(),
    ColumnType.BOOLEAN: sa.BOOLEAN(),
    ColumnType.UUID: sa.UUID(),
    ColumnType.TIMESTAMPTZ: postgresql.TIMESTAMP(timezone=True),
    ColumnType.TIMESTAMP: postgresql.TIMESTAMP(timezone=False),
    ColumnType.DATE: sa.DATE(),
    ColumnType.TIME: postgresql.TIME(timezone=False),
    ColumnType.INET: postgresql.INET(),
    ColumnType.JSONB: postgresql.JSONB(),
}
_FILLFACTOR = 90  # room on each page for updates that touch no index


def resource_tables(resources: Iterable[Resource]) -> sa.MetaData:
    """The tables of `resources`, as they are meant to be."""
    metadata = sa.MetaData(schema=COLLECTIONS)
    for resource in resources:
        _add_table(resource, metadata)
    return metadata


def row_security(resource: Resource) -> list[str]:
    """The statements that hold `ingest_app` to one account's rows of a new table."""
    table = table_name(resource)
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY own_account ON {table} TO ingest_app "
        f"""USING ("{ACCOUNT}" = current_setting('ingest.account', true))""",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO ingest_app",
    ]


def _add_table(resource: Resource, metadata: sa.MetaData) -> None:
    table = sa.Table(
        _exactly(resource.name),
        metadata,
        *(_column(resource, name, type_) for name, type_ in columns(resource).items()),
        sa.PrimaryKeyConstraint(ACCOUNT, resource.key.column, name=f"{resource.name}_pkey"),
        *(
            sa.UniqueConstraint(
                # The account comes last: nearly always the first column tells two entries apart.
                *(field.column for field in fields),
                ACCOUNT,
                name=_exactly(unique_name(resource, fields)),
                deferrable=True,  # a batch may swap the values of two items
                initially="IMMEDIATE",
            )
            for fields in resource.unique
        ),
        postgresql_with={"fillfactor": _FILLFACTOR},
    )
    # For the lists of a token that is confined to groups. Items of no group are not in it, so
    # accounts without groups do not pay for it.
    sa.Index(
        _exactly(group_index_name(resource)),
        *(table.c[name] for name in (ACCOUNT, GROUP, resource.key.column)),
        postgresql_where=table.c[GROUP].is_not(None),
    )


def _column(resource: Resource, name: str, type_: ColumnType) -> sa.Column[Any]:
    return sa.Column(
        _exactly(name),
        _TYPES[type_],
        nullable=name == GROUP or (name not in SERVICE_COLUMNS and name != resource.key.column),
        autoincrement=False,
        server_default=sa.text("1") if name == VERSION else None,
    )


def _exactly(name: str) -> quoted_name:
    """Quote any `name`: SQLAlchemy does not know every word that PostgreSQL reserves."""
    return quoted_name(name, quote=True)
