"""What streams need: a heartbeat of batches on their way, and where each chunk of items begins.

Revision ID: 0006
Revises: 0005
"""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    sql = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    # Many statements at once are for the driver only: SQLAlchemy prepares what it runs.
    connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]


def downgrade() -> None:
    """Drop what this revision made, and what was on its way: nobody was told that it is safe."""
    op.execute("DELETE FROM ingest.batches WHERE state = 'receiving'")
    op.execute("DROP FUNCTION ingest.abandoned_batches(interval, integer)")
    op.execute("DROP INDEX ingest.batches_receiving")
    op.execute("ALTER TABLE ingest.batches DROP COLUMN heartbeat_at, DROP COLUMN invalid_so_far")
    op.execute("ALTER TABLE ingest.payloads DROP COLUMN first_index")
