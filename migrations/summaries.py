"""The triggers that keep declared summaries, and the count of what is stored already."""

from sqlalchemy import Connection, text

from ingest.resources.resource import Resource
from ingest.store.statements.tallies import EVENTS, backfill, function_name, triggers
from ingest.store.tables import literal, quote, table_name
from migrations.steps import Step

_STORED = text("""
SELECT tgname FROM pg_trigger
WHERE NOT tgisinternal AND tgname LIKE 'summaries(%'
  AND tgrelid = to_regclass(:table)
""")


def keep_summaries(connection: Connection, resource: Resource) -> Step | None:
    """What makes the summaries that are kept those that the resource declares, if they are not.

    Where they differ, all are counted anew. A new trigger locks the table against writers until
    the transaction ends, so nothing is missed and nothing counted twice.
    """
    table, wanted = table_name(resource), triggers(resource)
    stored = set(connection.scalars(_STORED, {"table": table}))
    if stored == wanted.keys():
        return None
    made = [f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"]
    made += [f"DROP TRIGGER {quote(name)} ON {table}" for name in sorted(stored)]
    made += [f"DROP FUNCTION IF EXISTS {function_name(resource, event)}()" for event in EVENTS]
    made.append(f"DELETE FROM ingest.tallies WHERE collection = {literal(resource.name)}")  # noqa: S608 - quoted
    if not wanted:
        sentence = f"{resource.name}: no longer keeps summaries, because none is declared"
        return Step(resource, sentence, made)
    made += [statement for each in wanted.values() for statement in each]
    # FORCE hides every row from an owner who is no superuser; the lock is held until the end.
    made += [
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        backfill(resource),
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
    ]
    sentence = f"{resource.name}: keeps the summaries {', '.join(map(repr, resource.summaries))}"
    return Step(resource, sentence, made)
