"""Bodies are shared by all clients."""

import asyncio

from benchmarks.clients import Client, Tally
from benchmarks.load import Load, send_bodies


class _Sender(Client):
    """A client that sends nothing; a slow one goes on once all others' bodies are used up."""

    def __init__(self, sent: list[int], used_up: asyncio.Event, *, slow: bool) -> None:
        self._sent, self._used_up, self._slow = sent, used_up, slow

    async def send(self, place: int, tally: Tally) -> None:
        if self._slow:
            await self._used_up.wait()
        self._sent.append(place)
        if len(self._sent) == 9:
            self._used_up.set()

    async def close(self) -> None:
        pass


async def test_a_slow_client_keeps_no_bodies_for_itself() -> None:
    sent: list[int] = []
    used_up = asyncio.Event()
    load = Load(kind="json", target="1", serial="s", size=1, clients=2, requests=10)
    places, tally = iter(range(10)), Tally(0.0)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for slow in (True, False):
            client = _Sender(sent, used_up, slow=slow)
            group.create_task(send_bodies(client, places, load, float("inf"), tally))
    assert sorted(sent) == list(range(10))


def test_a_load_of_every_other_item_goes_on_from_body_to_body() -> None:
    load = Load(kind="json", target="1", serial="s", size=3, clients=1, requests=2, every=2)
    assert [*load.numbers(0), *load.numbers(1)] == [0, 2, 4, 6, 8, 10]
