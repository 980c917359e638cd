"""The items of a write: in one of few places while they are decoded, and gone afterwards."""

import asyncio

from ingest.batches.items import Items
from ingest.model import Submission

NOTHING = Submission(received=0, valid=[], records=b"[]", raw=None, failures=[])


async def test_a_place_is_free_again_once_the_items_are_validated() -> None:
    places = asyncio.Semaphore(1)
    first, second = Items(places), Items(places)
    await first.take_place()
    waiting = asyncio.create_task(second.take_place())
    await asyncio.sleep(0)
    assert not waiting.done()
    first.decoded = [1]
    first.become(NOTHING)
    assert (first.decoded, first.validated) == ((), NOTHING)
    await asyncio.wait_for(waiting, 10)


async def test_a_place_is_given_back_once() -> None:
    places = asyncio.Semaphore(1)
    items = Items(places)
    await items.take_place()
    await items.take_place()
    items.forget()
    items.forget()
    await places.acquire()
    assert places.locked(), "there is one place, whatever was said twice"


async def test_short_bodies_need_no_place() -> None:
    places = asyncio.Semaphore(1)
    items = Items(places)
    items.decoded = [1]
    items.forget()
    assert items.decoded == ()
    await places.acquire()
    assert places.locked()


def test_what_came_validated_is_forgotten_too() -> None:
    items = Items(validated=NOTHING)
    assert items.validated is NOTHING
    items.forget()
    assert items.validated is None
