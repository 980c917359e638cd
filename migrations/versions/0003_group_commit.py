"""What group commit needs: an index of what waits in a collection, and a search that says where.

Revision ID: 0003
Revises: 0002
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the .sql file of the same name in the migration's transaction."""
    sql = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind().connection.dbapi_connection
    # Many statements at once are for the driver only: SQLAlchemy prepares what it runs.
    connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]


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
