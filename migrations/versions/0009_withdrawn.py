"""What is known of batches in doubt: an id that was taken is no batch.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

from migrations.sql_files import run_sql_of

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Drop what this revision made, and the rows that would be batches without it."""
    op.execute("DELETE FROM ingest.batches WHERE withdrawn")
    op.execute("ALTER TABLE ingest.batches DROP COLUMN withdrawn")
