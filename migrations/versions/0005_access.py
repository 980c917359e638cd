"""Roles and groups of tokens, and the look-up that records when a token was used last.

Revision ID: 0005
Revises: 0004
"""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    sql = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    # Many statements at once are for the driver only: SQLAlchemy prepares what it runs.
    connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]


def downgrade() -> None:
    """Refuse: tokens of every role would turn into tokens that may do everything."""
    raise NotImplementedError(
        "revision 0005 cannot be undone: without roles and groups every token may read and write "
        "everything of its account; restore a backup"
    )
