"""Batches can be undone: what they changed and deleted is kept for a while.

Revision ID: 0009
Revises: 0008
"""

from pathlib import Path

from migrations.driver import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError(
        "revision 0009 need not be undone: processes of the version before work with it"
    )
