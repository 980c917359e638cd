"""A worker without some of its locks, to show that the harness would notice: never for real use.

`python -m tests.chaos.careless_worker LOCK…`, with LOCK `batch` (the batch's row lock and the
condition that it is still accepted) or `collection` (the lock of the one writer).
"""

import sys
from types import MappingProxyType

from ingest.store import batches, commit, locks
from workers import commit as committing
from workers.__main__ import main

_CARELESS = {
    "batch": [
        ("lock_batch", " AND state = 'accepted'"),
        ("lock_batch", "\nFOR UPDATE SKIP LOCKED"),
    ],
    "collection": [("lock_collection", " FOR UPDATE")],
}


def _without(locks: list[str]) -> MappingProxyType[str, str]:
    queries = dict(batches.QUERIES)
    for name, guard in (each for lock in locks for each in _CARELESS[lock]):
        if guard not in queries[name]:
            raise SystemExit(f"the query {name} has changed: {queries[name]}")
        queries[name] = queries[name].replace(guard, "")
    return MappingProxyType(queries)


async def _apply_none(*_: object, **__: object) -> tuple[()]:
    """Leave every batch to be applied alone: two workers that have seen it do so twice."""
    return ()


if __name__ == "__main__":
    committing.apply_group = _apply_none
    commit.QUERIES = locks.QUERIES = _without(sys.argv[1:])
    sys.exit(main())
