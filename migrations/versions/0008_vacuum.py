"""How autovacuum keeps up with staged payloads, and with the indexes of what waits.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

from migrations.sql_files import run_sql_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Leave both tables to the server's settings again."""
    op.execute(
        """
        ALTER TABLE ingest.payloads RESET (
            autovacuum_vacuum_cost_delay, autovacuum_vacuum_scale_factor, vacuum_truncate,
            toast.autovacuum_vacuum_cost_delay, toast.autovacuum_vacuum_scale_factor
        )
        """
    )
    op.execute(
        """
        ALTER TABLE ingest.batches RESET (
            autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor, vacuum_index_cleanup
        )
        """
    )
