"""Revisions that are written in SQL, each beside its Python file."""

from pathlib import Path

from alembic import op


def run_sql_of(revision: str) -> None:
    """Run the .sql file beside a revision's Python file, in the migration's transaction.

    Args:
        revision: the `__file__` of the revision.
    """
    sql = Path(revision).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    # Many statements at once are for the driver only: SQLAlchemy prepares what it runs.
    connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]  # asyncpg's
