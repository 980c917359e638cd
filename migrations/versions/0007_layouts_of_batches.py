"""Batches say which layout their records have.

Revision ID: 0007
Revises: 0006
"""

from pathlib import Path

from migrations.driver import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError(
        "revision 0007 need not be undone: processes of the version before work with it"
    )
