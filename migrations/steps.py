"""What a migration does to the tables of resources: statements, and a sentence for each few."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from alembic.operations import MigrateOperation
from alembic.operations.ops import (
    AddColumnOp,
    CreateIndexOp,
    CreateTableOp,
    CreateUniqueConstraintOp,
)
from sqlalchemy import Dialect
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from ingest.resources.resource import Resource
from ingest.store.tables import COLLECTIONS, quote, table_name
from migrations.resource_tables import row_security


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a resource's table; none of its statements is left out."""

    resource: Resource
    sentence: str
    """What was done, for operators; empty where an earlier step's says it."""
    statements: Sequence[str]


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """A unique attribute of a table with rows: built beside writers, then made a constraint."""

    resource: Resource
    name: str
    columns: tuple[str, ...]
    """With the account, which is the last."""
    sentence: str

    @property
    def create(self) -> str:
        """The statement that builds it; not to be run in a transaction."""
        return (
            f"CREATE UNIQUE INDEX CONCURRENTLY {quote(self.name)} ON {table_name(self.resource)} "
            f"({', '.join(map(quote, self.columns))})"
        )

    @property
    def attach(self) -> str:
        """The statement that makes it a constraint, which takes no time."""
        name = quote(self.name)
        return (
            f"ALTER TABLE {table_name(self.resource)} ADD CONSTRAINT {name} UNIQUE "
            f"USING INDEX {name} DEFERRABLE INITIALLY IMMEDIATE"
        )

    @property
    def drop(self) -> str:
        """The statement that removes what is left of an earlier attempt."""
        return f"DROP INDEX CONCURRENTLY IF EXISTS {quote(COLLECTIONS)}.{quote(self.name)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be done to the tables of resources."""

    steps: list[Step] = field(default_factory=list)
    """In one transaction."""
    indexes: list[UniqueIndex] = field(default_factory=list)
    """Afterwards, each by itself."""
    kept: list[str] = field(default_factory=list)
    """What is left as it is, although it is no longer declared: sentences."""


def statements(dialect: Dialect, resource: Resource, operation: MigrateOperation) -> list[str]:
    """The SQL of one of Alembic's operations."""
    table = table_name(resource)
    match operation:
        case CreateTableOp():
            created = str(CreateTable(operation.to_table()).compile(dialect=dialect)).strip()
            return [created, *row_security(resource)]
        case AddColumnOp(column=column):
            described = CreateColumn(column).compile(dialect=dialect)
            return [f"ALTER TABLE {table} ADD COLUMN {described}"]
        case CreateIndexOp():
            return [str(CreateIndex(operation.to_index()).compile(dialect=dialect)).strip()]
        case CreateUniqueConstraintOp(constraint_name=name, columns=columns):
            return [
                f"ALTER TABLE {table} ADD CONSTRAINT {quote(str(name))} UNIQUE "
                f"({', '.join(map(quote, columns))}) DEFERRABLE INITIALLY IMMEDIATE"
            ]
    raise TypeError(f"{type(operation).__name__} is nothing that a migration does")


def describe(plan: Plan) -> list[str]:
    """A plan as SQL to be read, a comment before each step."""
    lines: list[str] = []
    for step in plan.steps:
        lines += [f"-- {step.sentence}"] if step.sentence else []
        lines += [f"{statement};" for statement in step.statements]
    for index in plan.indexes:
        lines += [
            f"-- {index.sentence}: after the others have been committed, while writers go on",
            f"{index.create};",
            f"{index.attach};",
        ]
    return [*lines, *(f"-- {sentence}" for sentence in plan.kept)]
