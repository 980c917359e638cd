"""The dialect of a token, and what declared summaries count.

Revision ID: 0002
Revises: 0001
"""

from pathlib import Path

from migrations.driver import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    raise NotImplementedError(
        "revision 0002 cannot be undone: the collections' triggers write into its table; restore a "
        "backup, or migrate on"
    )
