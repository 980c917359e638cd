"""Changes of the resources' tables: what a changed schema adds, and what it may not change.

========================================  ========================================
a new resource, field, unique attribute   made
the index of groups, in older tables      made
declared summaries                        counted, and kept by triggers
a key that the database makes             its numbers go on behind the largest stored one
a unique attribute no longer declared     its constraint is dropped: nothing is lost
a field or resource no longer declared    its column or table stays as it is
another type, another key                 refused: stored items would be lost
values that break a new unique attribute  refused
a table that the service did not make     refused
========================================  ========================================
"""

from collections.abc import Iterator, Sequence
from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import (
    AddColumnOp,
    AlterColumnOp,
    CreateIndexOp,
    CreateTableOp,
    CreateUniqueConstraintOp,
    DropConstraintOp,
    ModifyTableOps,
)
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, Dialect, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from ingest.errors import ConfigurationError
from ingest.resources.registry import Registry
from ingest.resources.resource import Resource
from ingest.store.tables import ACCOUNT, COLLECTIONS, group_index_name, quote, table_name
from migrations.driver import reason
from migrations.numbers import number_keys
from migrations.resource_tables import resource_tables, row_security
from migrations.summaries import keep_summaries


def make_changes(connection: Connection, registry: Registry) -> list[str]:
    """Make the tables of `registry` what its schemas say, in the transaction of `connection`.

    Returns:
        A sentence for each thing that was done.

    Raises:
        ConfigurationError: the change would lose data, with every such place, or the database
            refused. The transaction is then to be rolled back.
    """
    operations = Operations(MigrationContext.configure(connection))
    sentences, new = [], set()
    for resource, operation, sentence in _plan(connection, registry):
        try:
            operations.invoke(operation)
            if isinstance(operation, CreateTableOp):
                new.add(resource.name)
                for statement in row_security(resource):
                    connection.exec_driver_sql(statement)
        except DBAPIError as error:
            raise ConfigurationError(f"resource {resource.name!r}: {reason(error)}") from error
        if not (isinstance(operation, CreateIndexOp) and resource.name in new):
            sentences.append(sentence)
    kept = [(name, keep_summaries(connection, each)) for name, each in registry.items()]
    kept += [(name, number_keys(connection, each)) for name, each in registry.items()]
    return sentences + [sentence for name, sentence in kept if sentence and name not in new]


def _plan(
    connection: Connection, registry: Registry
) -> list[tuple[Resource, MigrateOperation, str]]:
    """Every change to make and its sentence, or one error with every refusal."""
    refusals = {
        resource.name: refusal
        for resource in registry.values()
        if (refusal := _identity_refusal(connection, resource))
    }
    problems = list(refusals.values())
    changes = []
    alike = [resource for resource in registry.values() if resource.name not in refusals]
    for resource, operation in _differences(connection, alike):
        if refusal := _refusal(connection, resource, operation):
            problems.append(refusal)
        elif sentence := _sentence(resource, operation):
            changes.append((resource, operation, sentence))
    if problems:
        raise ConfigurationError("; ".join(problems))
    return changes


def _identity_refusal(connection: Connection, resource: Resource) -> str | None:
    """Why the stored table cannot be this resource's, if it cannot."""
    inspector = inspect(connection)
    if not inspector.has_table(resource.name, schema=COLLECTIONS):
        return None
    primary_key = inspector.get_pk_constraint(resource.name, schema=COLLECTIONS)
    account, key = primary_key["constrained_columns"][:1], primary_key["constrained_columns"][1:]
    if account != [ACCOUNT] or len(key) != 1:
        return (
            f"resource {resource.name!r}: the table {COLLECTIONS}.{resource.name} exists and was "
            "not made by this service; rename the resource, or move the table away"
        )
    if key == [resource.key.column]:
        return None
    return (
        f"resource {resource.name!r}: its items are stored under the key "
        f"{_fields(resource, key)}, and the key is now declared as {resource.key.name!r}; keep "
        "the key, or declare a new resource beside this one"
    )


def _differences(
    connection: Connection, resources: Sequence[Resource]
) -> Iterator[tuple[Resource, MigrateOperation]]:
    """What Alembic would do to make the stored tables equal to the described ones."""
    by_name = {resource.name: resource for resource in resources}

    def compared(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
        match kind:
            case "schema":
                return name == COLLECTIONS
            case "table":
                return name in by_name
            case "unique_constraint":  # others than `unique_name` makes are an administrator's
                return str(name).startswith(f"{parents['table_name']}(")
            case "index":
                return name == group_index_name(by_name[str(parents["table_name"])])
        return kind == "column"

    context = MigrationContext.configure(
        connection,
        opts={"include_schemas": True, "include_name": compared, "compare_type": _type_differs},
    )
    script = produce_migrations(context, resource_tables(resources))
    for operation in script.upgrade_ops.ops if script.upgrade_ops else ():
        if isinstance(operation, CreateTableOp):
            yield by_name[operation.table_name], operation
        elif isinstance(operation, ModifyTableOps):
            yield from ((by_name[operation.table_name], part) for part in operation.ops)


def _type_differs(
    context: MigrationContext,
    _stored_column: Column[Any],
    _declared_column: Column[Any],
    stored: TypeEngine[Any],
    declared: TypeEngine[Any],
) -> bool:
    return _sql_type(context.dialect, stored) != _sql_type(context.dialect, declared)


def _refusal(connection: Connection, resource: Resource, operation: MigrateOperation) -> str | None:
    """Why `operation` would lose data, if it would."""
    match operation:
        case AlterColumnOp(
            modify_type=TypeEngine() as declared, existing_type=TypeEngine() as stored
        ):
            return (
                f"resource {resource.name!r}: field {_fields(resource, [operation.column_name])} "
                f"is stored as {_sql_type(connection.dialect, stored)} and is now declared as "
                f"{_sql_type(connection.dialect, declared)}; keep the type, or give the new field "
                "another name"
            )
        case CreateUniqueConstraintOp(columns=[*columns, _]):
            return _duplicates_refusal(connection, resource, columns)
    return None


def _sentence(resource: Resource, operation: MigrateOperation) -> str | None:
    """What is done by `operation`; None for what is left as it is."""
    match operation:
        case CreateTableOp():
            return f"{resource.name}: created its table"
        case AddColumnOp(column=column):
            return f"{resource.name}: added {_fields(resource, [column.name])}"
        case CreateUniqueConstraintOp(columns=[*columns, _]):
            return f"{resource.name}: made {_fields(resource, columns)} unique"
        case CreateIndexOp():
            return f"{resource.name}: indexed its items by group"
        case DropConstraintOp(constraint_name=name):
            return f"{resource.name}: dropped the unique constraint {name}, no longer declared"
    return None


def _duplicates_refusal(
    connection: Connection, resource: Resource, columns: Sequence[str]
) -> str | None:
    """Why `columns` cannot become unique, if stored values repeat."""
    stored = inspect(connection).get_columns(resource.name, schema=COLLECTIONS)
    if not {column["name"] for column in stored}.issuperset(columns):
        return None  # a new column is null everywhere, and nulls are distinct
    table, names = table_name(resource), ", ".join(map(quote, columns))
    # FORCE hides every row from an owner who is no superuser. No other transaction sees it lifted,
    # because the lock on the table is held until this one ends.
    connection.exec_driver_sql(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    repeated = connection.exec_driver_sql(
        f"SELECT count(*) FROM (SELECT FROM {table} WHERE num_nulls({names}) = 0 "  # noqa: S608 - quoted
        f"GROUP BY {quote(ACCOUNT)}, {names} HAVING count(*) > 1) AS repeated"
    ).scalar_one()
    connection.exec_driver_sql(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    if not repeated:
        return None
    return (
        f"resource {resource.name!r}: {_fields(resource, columns)} cannot become unique, because "
        f"of {repeated} value(s) held by more than one item of an account; change those items first"
    )


def _fields(resource: Resource, columns: Sequence[str]) -> str:
    """The names of the fields that `columns` store, as the schema has them."""
    names = {field.column: field.name for field in resource.fields}
    return ", ".join(repr(str(names.get(column, column))) for column in columns)


def _sql_type(dialect: Dialect, type_: TypeEngine[Any]) -> str:
    """The type as `ColumnType` spells it; every text column has the same collation."""
    return type_.compile(dialect).partition(" COLLATE ")[0].lower()
