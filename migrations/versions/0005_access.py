"""Roles and groups of tokens, and the look-up that records when a token was used last.

Revision ID: 0005
Revises: 0004
"""

from migrations.sql_files import run_sql_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Refuse: tokens of every role would turn into tokens that may do everything."""
    raise NotImplementedError(
        "revision 0005 cannot be undone: without roles and groups every token may read and write "
        "everything of its account; restore a backup"
    )
