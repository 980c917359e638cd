"""What answers need: batches of an account in one round trip.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

from migrations.sql_files import run_sql_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Drop what this revision made; nothing is stored in it."""
    op.execute("DROP FUNCTION ingest.batches_of(text, uuid[])")
