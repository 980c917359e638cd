"""Why batches broke before the upgrade: for operators, and no longer for accounts.

Revision ID: 0011
Revises: 0010
"""

from migrations.sql_files import run_sql_of

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Nothing: earlier releases show whatever is stored, under whichever name."""
