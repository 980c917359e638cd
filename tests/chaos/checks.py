"""P1 to P5, read from PostgreSQL as its superuser; the service is not asked."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.chaos.client import Ledger, Sent

_BATCHES = """
SELECT id::text, idempotency_key, state, received, created, error IS NOT NULL AS broken
FROM ingest.batches WHERE idempotency_key LIKE $1 || '%' OR id = ANY($2::uuid[])
"""
_ROWS = """
SELECT title, "$batch"::text AS batch, count(*) AS count
FROM collections.deals WHERE title LIKE $1 || '%' GROUP BY 1, 2
"""
# P5, over everything that is stored.
_UNNAMED = """
SELECT count(*) FROM collections.{table} t LEFT JOIN ingest.batches b ON b.id = t."$batch"
WHERE b.state IS DISTINCT FROM 'committed'
"""
# The number that commits keep against the rows that there are.
_MISCOUNTED = """
SELECT count(*) FROM ingest.counters c
WHERE c.collection = '{table}'
  AND c.items <> (SELECT count(*) FROM collections.{table} t WHERE t."$account" = c.account)
"""
_TABLES = ("deals", "airports")


@dataclass
class Verdict:
    """What was found; the lists name the batches."""

    batches: int = 0
    lost: list[str] = field(default_factory=list)
    """Told to be saved or accepted, and not there, or failed without a reason (P1)."""
    doubled: list[str] = field(default_factory=list)
    """More than one effect of one key or one batch (P2)."""
    partial: list[str] = field(default_factory=list)
    """Some of a batch (P3), or rows whose batch is not a committed one (P5)."""
    stuck: list[str] = field(default_factory=list)
    """Accepted and not finished, or never settled for the client."""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.partial or self.stuck)


async def verify(url: str, ledger: Ledger, prefix: str) -> Verdict:
    """Compare what clients were told with what is stored."""
    named = sorted({batch for sent in ledger.sent for batch in sent.batches})
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            batches = await connection.fetch(_BATCHES, prefix, named)
            rows = await connection.fetch(_ROWS, prefix)
            unnamed = [(t, await connection.fetchval(_UNNAMED.format(table=t))) for t in _TABLES]
            counted = [(t, await connection.fetchval(_MISCOUNTED.format(table=t))) for t in _TABLES]
    finally:
        await connection.close()
    verdict = _compare(ledger, batches, rows)
    verdict.partial += [f"{n} rows of {table} name no committed batch" for table, n in unnamed if n]
    verdict.doubled += [f"{table} is miscounted" for table, n in counted if n]
    return verdict


def _compare(ledger: Ledger, batches: Any, rows: Any) -> Verdict:
    by_id = {row["id"]: row for row in batches}
    by_key = defaultdict(list)
    for row in batches:
        by_key[row["idempotency_key"]].append(row)
    stored: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        stored[row["title"]][row["batch"]] = row["count"]
    verdict = Verdict(batches=len(ledger.sent))
    for sent in ledger.sent:
        _judge(verdict, sent, by_id, by_key[sent.key], stored.get(sent.key, {}))
    return verdict


def _judge(
    verdict: Verdict, sent: Sent, by_id: dict[str, Any], holders: list[Any], rows: dict[str, int]
) -> None:
    in_all = sum(rows.values())
    named = [by_id.get(batch) for batch in sent.batches]
    if len(holders) > 1 or len(rows) > 1 or in_all > sent.items:
        verdict.doubled.append(f"{sent.key}: {len(holders)} batches, {in_all} rows")
    if 0 < in_all < sent.items:
        verdict.partial.append(f"{sent.key}: {in_all} of {sent.items} rows")
    if None in named:
        verdict.lost.append(f"{sent.key}: a batch that was accepted is not there")
    if any(each["state"] == "accepted" for each in holders) or sent.state is None:
        verdict.stuck.append(f"{sent.key}: {sent.state}")
    saved = [each for each in holders if each["state"] == "committed"]
    if sent.state == "committed" and (not saved or in_all < sent.items):
        verdict.lost.append(f"{sent.key}: {in_all} of {sent.items} rows, {len(saved)} committed")
    if any(each["state"] == "failed" and not each["broken"] for each in [*named, *holders] if each):
        verdict.lost.append(f"{sent.key}: failed without a reason")
    if saved and in_all != sent.items:
        verdict.partial.append(f"{sent.key}: committed with {in_all} of {sent.items} rows")
    if not saved and in_all:
        verdict.partial.append(f"{sent.key}: {in_all} rows of no committed batch")


async def drained(url: str, within: float = 60.0) -> float:
    """Wait until no batch is accepted and unfinished; how many seconds that took."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        if await scalar(url, "SELECT count(*) FROM ingest.batches WHERE state = 'accepted'") == 0:
            break
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def scalar(url: str, query: str, *arguments: object) -> Any:
    """One value; None while the database does not answer."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return None
    try:
        return await connection.fetchval(query, *arguments)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
    finally:
        connection.terminate()
