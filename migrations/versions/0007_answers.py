"""What answers need: batches of an account in one round trip.

Revision ID: 0007
Revises: 0006
"""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    sql = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    # Many statements at once are for the driver only: SQLAlchemy prepares what it runs.
    connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]


def downgrade() -> None:
    """Drop what this revision made; nothing is stored in it."""
    op.execute("DROP FUNCTION ingest.batches_of(text, uuid[])")
