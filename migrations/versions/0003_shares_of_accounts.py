"""What is pending of each account.

Revision ID: 0003
Revises: 0002
"""

from pathlib import Path

from migrations.driver import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError(
        "revision 0003 need not be undone: processes of the version before work with it"
    )
