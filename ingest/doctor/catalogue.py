"""What the database's catalogue says of tables, indexes, triggers and row-level security."""

from collections.abc import AsyncIterator

from ingest.doctor.finding import Finding, Subject
from ingest.store.doctor import look
from ingest.store.missing import missing_tables


async def missing(subject: Subject) -> AsyncIterator[Finding]:
    """Tables, columns, unique constraints and triggers that a migration is to make."""
    async with subject.pool.connection() as connection:
        places = await missing_tables(connection, subject.registry)
    for place in places:
        yield Finding(place, "is missing", "run `ingest migrate`")


async def invalid_indexes(subject: Subject) -> AsyncIterator[Finding]:
    """Indexes that a build has left unfinished: they cost writes, and find nothing."""
    for row in await look(subject.pool, "invalid_indexes"):
        remedy = f"run `REINDEX INDEX CONCURRENTLY {row['name']}`"
        if row["copy"]:
            remedy = f"what made it was broken off; run `DROP INDEX CONCURRENTLY {row['name']}`"
        yield Finding(row["name"], "is an invalid index, which no search uses", remedy)


async def disabled_triggers(subject: Subject) -> AsyncIterator[Finding]:
    """Triggers that do not fire, so that summaries or references are no longer kept."""
    for row in await look(subject.pool, "disabled_triggers"):
        name = "ALL" if row["internal"] else row["name"]
        yield Finding(
            row["place"],
            f"has the trigger {row['name']} disabled",
            f"run `ALTER TABLE {row['place']} ENABLE TRIGGER {name}`, then `ingest doctor --mend`",
        )


async def unsecured(subject: Subject) -> AsyncIterator[Finding]:
    """Tables and roles by which an account could see what belongs to another."""
    for row in await look(subject.pool, "unsecured_tables"):
        yield Finding(
            row["name"],
            "has no forced row-level security, which keeps accounts apart",
            f"run `ALTER TABLE {row['name']} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`",
        )
    for row in await look(subject.pool, "bypassing_roles"):
        yield Finding(
            f"role {row['name']}",
            "may bypass row-level security, which keeps accounts apart",
            f"run `ALTER ROLE {row['name']} NOSUPERUSER NOBYPASSRLS`",
        )
