"""A worker without some of its locks, to show that the harness would notice: never for real use.

`python -m tests.chaos.careless_worker LOCK…`, with LOCK `batch` (the batch's row lock and the
condition that it is still accepted) or `collection` (the lock of the one writer).
"""

import sys
from collections.abc import Mapping

from ingest.store import commit, quotas
from workers import commit as committing
from workers.__main__ import main


def _without(queries: Mapping[str, str], name: str, *guards: str) -> Mapping[str, str]:
    careless = queries[name]
    for guard in guards:
        if guard not in careless:
            raise SystemExit(f"the query {name} has changed: {careless}")
        careless = careless.replace(guard, "")
    return {**queries, name: careless}


async def _apply_none(*_: object, **__: object) -> tuple[()]:
    """Leave every batch to be applied alone: two workers that have seen it do so twice."""
    return ()


if __name__ == "__main__":
    committing.apply_group = _apply_none
    if "batch" in sys.argv[1:]:
        accepted, lock = " AND b.state = 'accepted'", "\nFOR UPDATE SKIP LOCKED"
        commit.QUERIES = _without(commit.QUERIES, "lock_batch", accepted, lock)
    if "collection" in sys.argv[1:]:
        quotas.QUERIES = _without(quotas.QUERIES, "lock_counter", " FOR UPDATE")
    sys.exit(main())
