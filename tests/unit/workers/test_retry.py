"""The verdict on an exception of a commit: again, elsewhere, or one attempt."""

import asyncpg
import pytest

from ingest.errors import (
    ConfigurationError,
    LockTimeout,
    NotAdmitted,
    Refused,
    TooSlow,
    Unavailable,
    Unreachable,
)
from ingest.ids import uuid7
from ingest.store.batches import UnreadableBatch
from ingest.store.commit import ConflictAppeared, DamagedPayload, UnservedCollection
from workers.retry import Verdict, delay, judge


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("lost"),
        NotAdmitted("no", "why", retry_after=1, reason="its password"),
        LockTimeout("another's"),
        ConfigurationError("it lacks a table"),
    ],
)
def test_what_is_proven_to_lie_elsewhere_is_no_attempt(error: Exception) -> None:
    assert judge(error) is Verdict.AGAIN


@pytest.mark.parametrize(
    "error",
    [
        TooSlow("out of time"),
        Refused("a deadlock"),
        Unavailable("whatever"),
        asyncpg.ConnectionFailureError("says a trigger"),
        asyncpg.UndefinedFunctionError("says a trigger"),
        asyncpg.InterfaceError("the server expects 1 argument"),
        OSError("of a schema's code"),
        ValueError("a bug"),
        ConflictAppeared(),
        DamagedPayload(),
        UnreadableBatch(uuid7()),
    ],
)
def test_everything_else_is_an_attempt(error: Exception) -> None:
    assert judge(error) is Verdict.COUNTED


def test_another_worker_may_serve_the_collection() -> None:
    assert judge(UnservedCollection()) is Verdict.NOT_HERE


def test_the_delay_grows_and_is_bounded() -> None:
    delays = [delay(tries) for tries in range(1, 40)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (0.1, 10.0)
