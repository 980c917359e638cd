"""Turns go round between accounts, however many of one of them wait."""

import asyncio
from collections import Counter

import pytest

from ingest.turns import Turns


async def taking(turns: Turns, account: str, order: list[str], go: asyncio.Event) -> None:
    async with turns.taken(account):
        order.append(account)
        await go.wait()


async def test_an_account_waits_for_one_turn_of_each_other(order_of: list[str]) -> None:
    turns = Turns(1, 1)
    go = asyncio.Event()
    tasks = [asyncio.create_task(taking(turns, "flood", order_of, go)) for _ in range(20)]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(taking(turns, name, order_of, go)) for name in ("a", "b")]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*tasks)
    assert order_of[0] == "flood"
    assert order_of[1:4].count("flood") <= 1
    assert Counter(order_of) == {"flood": 20, "a": 1, "b": 1}


async def test_an_account_takes_no_more_than_its_own(order_of: list[str]) -> None:
    turns = Turns(3, 2)
    go = asyncio.Event()
    tasks = [asyncio.create_task(taking(turns, "flood", order_of, go)) for _ in range(5)]
    tasks += [asyncio.create_task(taking(turns, "a", order_of, go)) for _ in range(1)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert sorted(order_of) == ["a", "flood", "flood"]
    go.set()
    await asyncio.gather(*tasks)


async def test_who_gives_up_waiting_takes_nothing(order_of: list[str]) -> None:
    turns = Turns(1, 1)
    go = asyncio.Event()
    holding = asyncio.create_task(taking(turns, "a", order_of, go))
    await asyncio.sleep(0)
    for account in ("a", "b"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await turns.acquire(account)
    go.set()
    await holding
    async with asyncio.timeout(10):
        for account in ("a", "b"):
            async with turns.taken(account):
                pass


@pytest.fixture
def order_of() -> list[str]:
    """Who had a turn, in order."""
    return []
