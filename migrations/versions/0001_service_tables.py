"""The service's own tables, its roles, and row-level security between accounts.

Revision ID: 0001
Revises:
"""

from migrations.sql_files import run_sql_of

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Refuse: it would drop accepted batches, tokens and every stored item."""
    raise NotImplementedError(
        "revision 0001 cannot be undone: its tables hold what clients were told is safe; "
        "restore a backup, or drop the database"
    )
