"""What streams need: a heartbeat of batches on their way, and where each chunk of items begins.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

from migrations.sql_files import run_sql_of

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Drop what this revision made, and what was on its way: nobody was told that it is safe."""
    op.execute("DELETE FROM ingest.batches WHERE state = 'receiving'")
    op.execute("DROP FUNCTION ingest.abandoned_batches(interval, integer)")
    op.execute("DROP INDEX ingest.batches_receiving")
    op.execute("ALTER TABLE ingest.batches DROP COLUMN heartbeat_at, DROP COLUMN invalid_so_far")
    op.execute("ALTER TABLE ingest.payloads DROP COLUMN first_index")
