"""Requests that get no answer are tried again, and not for ever."""

import asyncio
import contextlib

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from ingest.load.calls import Call
from ingest.load.errors import LoadError
from ingest.load.sender import Sender, Timeouts, service_url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://h:8080", "http://h:8080"),
        ("http://h:8080/", "http://h:8080"),
        ("http://h:8080/v1", "http://h:8080"),
        ("https://h/base/v1/", "https://h/base"),
        ("http://v1", "http://v1"),
        ("http://h/v10", "http://h/v10"),
    ],
)
def test_a_service_may_be_named_with_the_root_of_its_endpoints(given: str, url: str) -> None:
    assert service_url(given) == url


async def test_trying_again_has_an_end() -> None:
    notes: list[str] = []
    url = f"http://127.0.0.1:{unused_port()}"
    async with aiohttp.ClientSession() as session:
        sender = Sender(session, url, Timeouts(retries=1.0), notes.append)
        with pytest.raises(LoadError, match=r"part 1: given up after \d tries: Cannot connect"):
            await sender.send(Call("POST", "/v1/contacts", "part 1", body=lambda _: b"[]"))
    assert notes


async def test_a_service_that_never_answers_is_not_waited_for() -> None:
    callers: list[asyncio.Task[None]] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(asyncio.current_task())  # type: ignore[arg-type]  # there is one here
        with contextlib.suppress(ConnectionError):
            await reader.read()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        async with aiohttp.ClientSession() as session:
            sender = Sender(session, url, Timeouts(answer=0.1, retries=0.5), lambda _: None)
            with pytest.raises(LoadError, match="no answer in time"):
                await sender.send(Call("POST", "/v1/contacts", "part 1", body=lambda _: b"[]"))
        await asyncio.gather(*callers)
