"""What the retention needs: indexes of what expires, and the function that finds it.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

from migrations.sql_files import run_sql_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Drop what this revision made; nothing is stored in it."""
    op.execute("DROP FUNCTION ingest.expired_batches(interval, interval, interval, integer)")
    op.execute("DROP POLICY lookup ON ingest.payloads")
    op.execute("DROP POLICY lookup ON ingest.failures")
    op.execute("REVOKE SELECT (batch) ON ingest.payloads, ingest.failures FROM ingest_lookup")
    op.execute("DROP INDEX ingest.batches_with_answer, ingest.batches_unnamed")
