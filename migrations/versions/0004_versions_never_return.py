"""Versions start above those of all items that were deleted.

Revision ID: 0004
Revises: 0003
"""

from pathlib import Path

from migrations.driver import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError(
        "revision 0004 need not be undone: processes of the version before work with it"
    )
