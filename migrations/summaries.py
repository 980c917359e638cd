"""The triggers that keep declared summaries, and the count of what is stored already."""

from sqlalchemy import Connection, text

from ingest.resources.resource import Resource
from ingest.store.statements.tallies import EVENTS, backfill, function_name, triggers
from ingest.store.tables import quote, table_name

_STORED = text("""
SELECT tgname FROM pg_trigger
WHERE NOT tgisinternal AND tgname LIKE 'summaries(%'
  AND tgrelid = to_regclass(:table)
""")
_FORGET = text("DELETE FROM ingest.tallies WHERE collection = :collection")


def keep_summaries(connection: Connection, resource: Resource) -> str | None:
    """Make the summaries that are kept those that the resource declares.

    Where they differ, all are counted anew. A new trigger locks the table against writers until
    the transaction ends, so nothing is missed and nothing counted twice.

    Returns:
        A sentence of what was done; None where nothing was to be done.
    """
    table, wanted = table_name(resource), triggers(resource)
    stored = set(connection.scalars(_STORED, {"table": table}))
    if stored == wanted.keys():
        return None
    connection.exec_driver_sql(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
    for name in stored:
        connection.exec_driver_sql(f"DROP TRIGGER {quote(name)} ON {table}")
    for event in EVENTS:
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {function_name(resource, event)}()")
    connection.execute(_FORGET, {"collection": resource.name})
    if not wanted:
        return f"{resource.name}: no longer keeps summaries, because none is declared"
    for statement in (each for made in wanted.values() for each in made):
        connection.exec_driver_sql(statement)
    # FORCE hides every row from an owner who is no superuser; the lock is held until the end.
    connection.exec_driver_sql(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    connection.exec_driver_sql(backfill(resource))
    connection.exec_driver_sql(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    return f"{resource.name}: keeps the summaries {', '.join(map(repr, resource.summaries))}"
