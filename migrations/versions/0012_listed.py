"""How batches are listed: by an index that is of no use to commits.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

from migrations.sql_files import run_sql_of

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """List with the index that earlier releases have."""
    op.execute("CREATE INDEX batches_by_account ON ingest.batches (account, id)")
    op.execute("DROP INDEX ingest.batches_listed")
