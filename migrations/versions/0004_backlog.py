"""What backpressure needs: how large a staged payload is, and the sums over what is unfinished.

Revision ID: 0004
Revises: 0003
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
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
    op.execute("DROP FUNCTION ingest.backlog(timestamptz)")
    op.execute("DROP INDEX ingest.batches_accepted")
    op.execute("ALTER TABLE ingest.batches DROP COLUMN payload_bytes")
    op.execute(
        "CREATE INDEX batches_accepted ON ingest.batches (accepted_at) WHERE state = 'accepted'"
    )
