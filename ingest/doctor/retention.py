"""What has expired, and should have been removed."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType

from ingest.doctor.finding import Finding, Subject
from ingest.store.doctor import look

_LATE = dt.timedelta(minutes=10)  # a worker removes what has expired within seconds
_LOOKED_FOR = 1_000  # batches of each kind
_KINDS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "payload": ("ingest.payloads", "the staged items", "INGEST_PAYLOAD_TTL"),
        "answer": ("ingest.batches", "answers or idempotency keys", "INGEST_IDEMPOTENCY_TTL"),
        "failures": ("ingest.failures", "the failed items", "INGEST_BATCH_TTL"),
        "row": ("ingest.batches", "the rows", "INGEST_BATCH_TTL"),
        "repair": ("ingest.batches", "what is to be repaired", "INGEST_REPAIR_TTL"),
    }
)
"""For each kind of thing: its table, how findings call it, the setting that says how long it is
kept."""


async def overdue(subject: Subject) -> AsyncIterator[Finding]:
    """What is kept although it has expired, so that the database grows."""
    settings = subject.settings
    late = _LATE + 10 * dt.timedelta(seconds=settings.retention_interval)
    ages = [
        late + dt.timedelta(seconds=seconds)
        for seconds in (
            settings.payload_ttl,
            settings.idempotency_ttl,
            settings.batch_ttl,
            settings.repair_ttl,
        )
    ]
    for row in await look(subject.pool, "overdue", *ages, _LOOKED_FOR):
        table, things, setting = _KINDS[row["kind"]]
        more = " or more" if row["batches"] == _LOOKED_FOR else ""
        yield Finding(
            table,
            f"still has {things} of {row['batches']:,}{more} batches, longer than {setting} says",
            "start an `ingest worker`, which removes them, or look for `maintenance failed` in "
            f"its log; it must run with the same {setting}",
        )
