"""The service's own tables, its roles, and row-level security between accounts.

Revision ID: 0001
Revises:
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    sql = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    # Many statements at once are for the driver only: SQLAlchemy prepares what it runs.
    connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]


def downgrade() -> None:
    """Refuse: it would drop accepted batches, tokens and every stored item."""
    raise NotImplementedError(
        "revision 0001 cannot be undone: its tables hold what clients were told is safe; "
        "restore a backup, or drop the database"
    )
