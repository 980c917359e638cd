"""Batches that are refused for their items can be kept, and repaired in place.

Revision ID: 0008
Revises: 0007
"""

from pathlib import Path

from migrations.driver import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError(
        "revision 0008 need not be undone: processes of the version before work with it"
    )
