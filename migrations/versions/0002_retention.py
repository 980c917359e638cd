"""What the retention needs: indexes of what expires, and the function that finds it.

Revision ID: 0002
Revises: 0001
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
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
    op.execute("DROP FUNCTION ingest.expired_batches(interval, interval, interval, integer)")
    op.execute("DROP POLICY lookup ON ingest.payloads")
    op.execute("DROP POLICY lookup ON ingest.failures")
    op.execute("REVOKE SELECT (batch) ON ingest.payloads, ingest.failures FROM ingest_lookup")
    op.execute("DROP INDEX ingest.batches_with_answer, ingest.batches_unnamed")
