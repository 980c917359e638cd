"""The tables of before-images: one for each resource, in the form of the resource's own table."""

from sqlalchemy import Connection, text

from ingest.resources.resource import Resource
from ingest.store.tables import images_name, table_name
from migrations.steps import Step

_EXISTS = text("SELECT to_regclass(:table) IS NOT NULL")


def keep_images(connection: Connection, resource: Resource) -> Step | None:
    """What makes the table of a resource's before-images, if it is not there.

    A row holds many images, an array of rows of the resource's table: a column that is added to
    that is one that they do not have.
    """
    table = images_name(resource)
    if connection.scalar(_EXISTS, {"table": table}):
        return None
    made = [
        f"""CREATE TABLE {table} (
    batch uuid,
    deleted boolean,
    chunk bigint,
    account ingest.account_name NOT NULL,
    images {table_name(resource)}[] NOT NULL,
    PRIMARY KEY (batch, deleted, chunk)
) WITH (
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_scale_factor = 0.05,
    toast.autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0.05
)""",
        f"ALTER TABLE {table} ALTER COLUMN images SET STORAGE EXTERNAL",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY own_account ON {table} TO ingest_app "
        "USING (account = current_setting('ingest.account', true))",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO ingest_app",
    ]
    return Step(resource, f"{resource.name}: can be undone", made)
