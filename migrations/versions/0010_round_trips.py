"""What saves commits round trips: what waits is locked and read in one.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

from migrations.sql_files import run_sql_of

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Drop what this revision made; nothing is stored in it."""
    op.execute("DROP FUNCTION ingest.take_waiting(text, text, integer)")
