"""Changes of the resources' tables: what a changed schema adds, and what it may not change.

========================================  ========================================
a new resource, field, unique attribute   made
the index of groups, in older tables      made
declared summaries                        counted, and kept by triggers
a key that the database makes             its numbers go on behind the largest stored one
a unique attribute no longer declared     its constraint stays, unless dropping is asked for
a field or resource no longer declared    its column or table stays as it is
another type, another key                 refused: stored items would be lost
values that break a new unique attribute  refused
a table that the service did not make     refused
========================================  ========================================
"""

from collections.abc import Iterator, Sequence
from typing import Any

from alembic.autogenerate import produce_migrations
from alembic.operations import MigrateOperation
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
from sqlalchemy import Column, Connection, Dialect, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from ingest.errors import ConfigurationError
from ingest.resources.registry import Registry
from ingest.resources.resource import Resource
from ingest.store.tables import ACCOUNT, COLLECTIONS, group_index_name, quote, table_name
from migrations.driver import is_lock_timeout, reason
from migrations.duplicates import duplicates, seeing_all, sees_all
from migrations.images import keep_images
from migrations.numbers import number_keys
from migrations.resource_tables import resource_tables
from migrations.steps import Plan, Step, UniqueIndex, statements
from migrations.summaries import keep_summaries

_SIZE = text("SELECT pg_relation_size(to_regclass(:name))")


def plan_changes(
    connection: Connection,
    registry: Registry,
    *,
    drop: bool = False,
    changes_nothing: bool = False,
) -> Plan:
    """What would make the tables of `registry` what its schemas say.

    Args:
        connection: one that commits each statement.
        drop: whether constraints that are no longer declared are to go.
        changes_nothing: not even for a moment. An owner who is no superuser cannot see then whether
            stored values would keep an attribute from being unique.

    Raises:
        ConfigurationError: a change would lose data, with every such place.
    """
    refusals = {
        resource.name: refusal
        for resource in registry.values()
        if (refusal := _identity_refusal(connection, resource))
    }
    problems, plan, new = list(refusals.values()), Plan(), set()
    alike = [resource for resource in registry.values() if resource.name not in refusals]
    for resource, operation in _differences(connection, alike):
        if isinstance(operation, CreateTableOp):
            new.add(resource.name)
        refusal = _refusal(connection, resource, operation)
        if not (changes_nothing and not sees_all(connection)):
            refusal = refusal or _repetition(connection, resource, operation)
        if refusal:
            problems.append(refusal)
        elif not (isinstance(operation, CreateIndexOp) and resource.name in new):
            _add(plan, connection, resource, operation, drop=drop)
        else:
            made = statements(connection.dialect, resource, operation)
            plan.steps.append(Step(resource, "", made))
    if problems:
        raise ConfigurationError("; ".join(problems))
    for resource in registry.values():
        for step in (
            keep_summaries(connection, resource),
            number_keys(connection, resource),
            keep_images(connection, resource),
        ):
            if step is not None:
                quiet = Step(resource, "", step.statements)
                plan.steps.append(quiet if resource.name in new else step)
    return plan


def make_changes(connection: Connection, plan: Plan) -> list[str]:
    """Take the steps of a plan, in the transaction of `connection`.

    Returns:
        A sentence for each thing that was done.

    Raises:
        ConfigurationError: the database refused. The transaction is then to be rolled back.
    """
    for step in plan.steps:
        try:
            for statement in step.statements:
                connection.exec_driver_sql(statement)
        except DBAPIError as error:
            if is_lock_timeout(error):
                raise
            raise ConfigurationError(f"resource {step.resource.name!r}: {reason(error)}") from error
    return [step.sentence for step in plan.steps if step.sentence]


def _add(
    plan: Plan,
    connection: Connection,
    resource: Resource,
    operation: MigrateOperation,
    *,
    drop: bool,
) -> None:
    """Add an operation to a plan."""
    match operation:
        case CreateUniqueConstraintOp(constraint_name=name, columns=columns) if has_rows(
            connection, resource
        ):
            sentence = _sentence(resource, operation)
            plan.indexes.append(UniqueIndex(resource, str(name), tuple(columns), sentence))
        case DropConstraintOp(constraint_name=name) if not drop:
            plan.kept.append(
                f"{resource.name}: keeps the unique constraint {name}, which is no longer declared "
                "and refuses what it did before; --drop drops it"
            )
        case DropConstraintOp(constraint_name=name):
            dropped = f"ALTER TABLE {table_name(resource)} DROP CONSTRAINT {quote(str(name))}"
            plan.steps.append(Step(resource, _sentence(resource, operation), [dropped]))
        case CreateTableOp() | AddColumnOp() | CreateIndexOp() | CreateUniqueConstraintOp():
            made = statements(connection.dialect, resource, operation)
            plan.steps.append(Step(resource, _sentence(resource, operation), made))


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
    return None


def _sentence(resource: Resource, operation: MigrateOperation) -> str:
    """What is done by `operation`."""
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
    return ""


def _repetition(
    connection: Connection, resource: Resource, operation: MigrateOperation
) -> str | None:
    """Why stored values keep an attribute from becoming unique, if they do."""
    match operation:
        case CreateUniqueConstraintOp(columns=[*columns, _]) if has_rows(connection, resource):
            return duplicates_refusal(connection, resource, columns)
    return None


def duplicates_refusal(
    connection: Connection, resource: Resource, columns: Sequence[str]
) -> str | None:
    """Why `columns` cannot become unique, if stored values repeat; see `duplicates`."""
    with seeing_all(connection, resource):
        found = duplicates(connection, resource, columns)
    if found is None:
        return None
    return (
        f"resource {resource.name!r}: {_fields(resource, columns)} cannot become unique, because "
        f"of {found}; change those items first"
    )


def has_rows(connection: Connection, resource: Resource) -> bool:
    """Whether a table that is there has, or had, any rows."""
    size = connection.execute(_SIZE, {"name": table_name(resource)}).scalar_one()
    return bool(size)


def _fields(resource: Resource, columns: Sequence[str]) -> str:
    """The names of the fields that `columns` store, as the schema has them."""
    names = {field.column: field.name for field in resource.fields}
    return ", ".join(repr(str(names.get(column, column))) for column in columns)


def _sql_type(dialect: Dialect, type_: TypeEngine[Any]) -> str:
    """The type as `ColumnType` spells it; every text column has the same collation."""
    return type_.compile(dialect).partition(" COLLATE ")[0].lower()
