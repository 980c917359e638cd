"""The verdict on an exception of a commit: again, elsewhere, or one attempt."""

import asyncpg
import pytest

from ingest.errors import TooSlow, Unavailable
from ingest.store.commit import ConflictAppeared, DamagedPayload, UnservedCollection
from ingest.store.pool import transient_errors
from workers.retry import Verdict, delay, judge

PASSES = [
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.DiskFullError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    ConnectionResetError,
    TimeoutError,
]


def _translated_by_the_store(error: type[Exception]) -> Exception:
    try:
        with transient_errors():
            raise error("a test")
    except Exception as translated:  # noqa: BLE001 - of any type
        return translated


@pytest.mark.parametrize("error", PASSES)
def test_what_passes_by_itself_is_no_attempt(error: type[Exception]) -> None:
    translated = _translated_by_the_store(error)
    assert isinstance(translated, Unavailable)
    assert judge(translated) is Verdict.AGAIN


def test_a_statement_that_is_too_slow_is_an_attempt() -> None:
    translated = _translated_by_the_store(asyncpg.QueryCanceledError)
    assert isinstance(translated, TooSlow)
    assert judge(translated) is Verdict.COUNTED


@pytest.mark.parametrize(
    "error",
    [asyncpg.DataError, asyncpg.CheckViolationError, ValueError],
)
def test_an_answer_of_the_database_is_an_attempt(error: type[Exception]) -> None:
    translated = _translated_by_the_store(error)
    assert type(translated) is error
    assert judge(translated) is Verdict.COUNTED


def test_errors_of_our_own() -> None:
    assert judge(ConflictAppeared()) is Verdict.COUNTED
    assert judge(UnservedCollection()) is Verdict.NOT_HERE
    assert judge(DamagedPayload()) is Verdict.COUNTED


def test_the_delay_grows_and_is_bounded() -> None:
    delays = [delay(tries) for tries in range(1, 40)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (0.1, 10.0)
