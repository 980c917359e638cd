"""The sequences that number the items of resources whose keys the database makes.

One sequence serves all accounts, so the numbers of an account have gaps. It is never set back: a
number that was given once is not given again, also after its item was deleted.
"""

from sqlalchemy import Connection, text

from ingest.resources.resource import Resource
from ingest.store.tables import literal, quote, sequence_name, table_name
from migrations.steps import Step

_EXISTS = text("SELECT to_regclass(:name) IS NOT NULL")


def number_keys(connection: Connection, resource: Resource) -> Step | None:
    """What makes the sequence of a resource that needs one; None where it has it."""
    name = sequence_name(resource)
    if not resource.database_key or connection.scalar(_EXISTS, {"name": name}):
        return None
    table, key = table_name(resource), quote(resource.key.column)
    made = [
        f"CREATE SEQUENCE {name} OWNED BY {table}.{key}",
        f"GRANT USAGE ON SEQUENCE {name} TO ingest_app",
        # FORCE hides every row from an owner who is no superuser; the transaction locks the table.
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        f"SELECT setval({literal(name)}, max({key})) FROM {table} HAVING max({key}) > 0",  # noqa: S608 - quoted
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
    ]
    sentence = f"{resource.name}: numbers new items behind the largest {resource.key.name!r}"
    return Step(resource, sentence, made)
