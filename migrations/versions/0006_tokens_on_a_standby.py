"""Tokens are looked up on a database that takes no writes.

Revision ID: 0006
Revises: 0005
"""

from pathlib import Path

from migrations.driver import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError(
        "revision 0006 need not be undone: processes of the version before work with it"
    )
