"""A rejected batch may name a limit, too.

Revision ID: 0005
Revises: 0004
"""

from pathlib import Path

from migrations.driver import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError(
        "revision 0005 need not be undone: processes of the version before work with it"
    )
