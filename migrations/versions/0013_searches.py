"""Searches that read what they look for, whatever the planner believes.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

from migrations.sql_files import run_sql_of

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Put the indexes of earlier releases back. The functions find the same without and with it."""
    op.execute("DROP INDEX ingest.batches_accepted")
    op.execute(
        "CREATE INDEX batches_accepted ON ingest.batches (accepted_at) "
        "INCLUDE (received, payload_bytes) WHERE state = 'accepted'"
    )
    op.execute("DROP INDEX ingest.batches_waiting")
    op.execute(
        "CREATE INDEX batches_waiting ON ingest.batches (account, collection, id) "
        "WHERE state = 'accepted'"
    )
