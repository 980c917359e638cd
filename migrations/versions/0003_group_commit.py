"""What group commit needs: an index of what waits in a collection, and a search that says where.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

from migrations.sql_files import run_sql_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    run_sql_of(__file__)


def downgrade() -> None:
    """Put the search of revision 0001 back; nothing is stored in what goes."""
    op.execute("DROP INDEX ingest.batches_waiting")
    op.execute("DROP FUNCTION ingest.unfinished_batches(interval, integer)")
    op.execute(_SEARCH_OF_0001)
    op.execute("REVOKE ALL ON FUNCTION ingest.unfinished_batches(interval, integer) FROM PUBLIC")
    op.execute(
        "GRANT EXECUTE ON FUNCTION ingest.unfinished_batches(interval, integer) TO ingest_app"
    )
    op.execute("GRANT CREATE ON SCHEMA ingest TO ingest_lookup")
    op.execute("ALTER FUNCTION ingest.unfinished_batches(interval, integer) OWNER TO ingest_lookup")
    op.execute("REVOKE CREATE ON SCHEMA ingest FROM ingest_lookup")


_SEARCH_OF_0001 = """
CREATE FUNCTION ingest.unfinished_batches(older_than interval, at_most integer)
    RETURNS TABLE (account text, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT b.account, b.id
    FROM ingest.batches b
    WHERE b.state = 'accepted' AND b.accepted_at < now() - older_than
    ORDER BY b.accepted_at
    LIMIT at_most
$$
"""
