"""Callers are looked up seldom, together, and never trusted for as long as a second."""

import asyncio
from uuid import UUID

import pytest

from ingest.access import callers
from ingest.access.callers import LIFETIME, PREFIX, RENEW_AFTER, Callers, digest_of
from ingest.access.rights import Caller, Right
from ingest.errors import Unavailable

ACME = Caller(UUID(int=1), "acme", "reader", {"*": frozenset({Right.READ})})


def token(number: int) -> str:
    return f"{PREFIX}{number:043}"


class Directory:
    """Where tokens are looked up: counts, and answers once it is open."""

    def __init__(self) -> None:
        self.valid = {digest_of(token(0)): ACME}
        self.asked: list[bytes] = []
        self.under_way = 0
        self.most_at_once = 0
        self.open = asyncio.Event()
        self.open.set()
        self.now = 0.0
        self.callers = Callers(self.find, lambda: self.now)

    async def find(self, digest: bytes) -> Caller | None:
        self.asked.append(digest)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await self.open.wait()
        finally:
            self.under_way -= 1
        return self.valid.get(digest)


@pytest.fixture
async def directory() -> Directory:
    return Directory()


async def _settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_answer_is_used_until_it_is_too_old(directory: Directory) -> None:
    for moment in (0.0, RENEW_AFTER - 0.01):
        directory.now = moment
        assert await directory.callers.find(token(0)) == ACME
    assert len(directory.asked) == 1
    directory.valid.clear()
    directory.now = LIFETIME
    assert await directory.callers.find(token(0)) is None


async def test_a_token_in_use_is_looked_up_behind_its_requests(directory: Directory) -> None:
    await directory.callers.find(token(0))
    directory.now = RENEW_AFTER
    directory.open.clear()
    for _ in range(5):
        assert await directory.callers.find(token(0)) == ACME
    await _settled()
    assert len(directory.asked) == 2
    directory.open.set()
    await _settled()
    directory.now = LIFETIME
    assert await directory.callers.find(token(0)) == ACME
    await _settled()
    assert len(directory.asked) == 3


async def test_the_age_counts_from_the_question_not_from_the_answer(directory: Directory) -> None:
    directory.open.clear()
    asking = asyncio.create_task(directory.callers.find(token(0)))
    await _settled()
    directory.now = LIFETIME - 0.01
    directory.open.set()
    assert await asking == ACME
    directory.valid.clear()
    directory.now = LIFETIME
    assert await directory.callers.find(token(0)) is None


async def test_requests_that_come_together_share_a_look_up(directory: Directory) -> None:
    directory.open.clear()
    first = asyncio.create_task(directory.callers.find(token(0)))
    others = [asyncio.create_task(directory.callers.find(token(0))) for _ in range(50)]
    await _settled()
    first.cancel()
    directory.open.set()
    assert await asyncio.gather(*others) == [ACME] * 50
    assert len(directory.asked) == 1


async def test_an_unknown_token_is_not_asked_for_again_at_once(directory: Directory) -> None:
    for _ in range(10):
        assert await directory.callers.find(token(1)) is None
    assert len(directory.asked) == 1


async def test_what_cannot_be_a_token_is_not_looked_up(directory: Directory) -> None:
    for text in ("", "x", PREFIX, token(0) + "0", token(0).upper(), token(0)[:-1] + "/", "\udcff"):
        assert await directory.callers.find(text) is None
    assert directory.asked == []


async def test_guesses_displace_no_known_caller(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "MAX_KNOWN", 10)
    await directory.callers.find(token(0))
    for number in range(1, 100):
        assert await directory.callers.find(token(number)) is None
    assert await directory.callers.find(token(0)) == ACME
    assert len(directory.asked) == 100
    for number in (99, 98, 97):  # the last guesses are remembered, earlier ones are not
        assert await directory.callers.find(token(number)) is None
    assert len(directory.asked) == 100
    assert await directory.callers.find(token(89)) is None
    assert len(directory.asked) == 101


async def test_guesses_wait_for_each_other_only(directory: Directory) -> None:
    await directory.callers.find(token(0))
    directory.most_at_once = 0
    directory.open.clear()
    guesses = [
        asyncio.create_task(directory.callers.find(token(number)))
        for number in range(1, callers.MAX_WAITING + 11)
    ]
    await _settled()
    assert directory.most_at_once == callers.MAX_LOOKUPS
    turned_away = [guess for guess in guesses if guess.done()]
    assert len(turned_away) == 10
    assert all(isinstance(guess.exception(), Unavailable) for guess in turned_away)
    directory.now = LIFETIME
    known = asyncio.create_task(directory.callers.find(token(0)))
    await _settled()
    assert directory.under_way == callers.MAX_LOOKUPS + 1
    directory.open.set()
    assert await known == ACME
    assert await asyncio.gather(*(each for each in guesses if each not in turned_away))


async def test_a_failure_reaches_its_caller_and_is_not_remembered(directory: Directory) -> None:
    async def away(digest: bytes) -> Caller | None:
        raise Unavailable("away")

    shared = Callers(away, lambda: 0.0)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await shared.find(token(0))


async def test_closing_ends_what_is_under_way(directory: Directory) -> None:
    directory.open.clear()
    asking = asyncio.create_task(directory.callers.find(token(0)))
    await _settled()
    await directory.callers.close()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert directory.under_way == 0
