"""The service's own tables.

Revision ID: 0001
Revises:
"""

from pathlib import Path

from migrations.driver import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError(
        "revision 0001 cannot be undone: its tables hold accepted batches, tokens and every stored "
        "item; restore a backup, or drop the database"
    )
