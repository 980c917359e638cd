"""A database that takes no writes."""

from collections.abc import AsyncIterator

from ingest.doctor.finding import Finding, Subject
from ingest.store.state import takes_no_writes


async def read_only(subject: Subject) -> AsyncIterator[Finding]:
    """A standby, or a primary that was demoted or set to be read-only, where writes are meant."""
    if subject.settings.read_only:
        return
    async with subject.pool.connection() as connection:
        if await takes_no_writes(connection):
            yield Finding(
                "the database",
                "takes no writes: it is a standby, or default_transaction_read_only is on",
                "name every server in INGEST_DATABASE_URL, with target_session_attrs=read-write, "
                "or serve reads only by INGEST_READ_ONLY",
            )
