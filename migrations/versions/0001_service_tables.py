"""The service's own tables: `schema.sql`.

While this is the only revision, it runs the file as it is. The first revision that follows keeps
the file of its day beside this one, which runs that copy from then on.

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
    run_script(Path(__file__).parents[1] / "schema.sql")


def downgrade() -> None:
    raise NotImplementedError(
        "revision 0001 cannot be undone: its tables hold accepted batches, tokens and every stored "
        "item; restore a backup, or drop the database"
    )
