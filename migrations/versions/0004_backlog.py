"""What backpressure needs: how large a staged payload is, and the sums over what is unfinished.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

from migrations.sql_files import run_sql_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Drop what this revision made; nothing is stored in it."""
    op.execute("DROP FUNCTION ingest.backlog(timestamptz)")
    op.execute("DROP INDEX ingest.batches_accepted")
    op.execute("ALTER TABLE ingest.batches DROP COLUMN payload_bytes")
    op.execute(
        "CREATE INDEX batches_accepted ON ingest.batches (accepted_at) WHERE state = 'accepted'"
    )
