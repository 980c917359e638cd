"""A Redis that is away, one that refuses, and calls of ours that are wrong are three things."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, DataError
from structlog.testing import capture_logs

from ingest.redis import (
    CallRefused,
    LoginRefused,
    RedisAway,
    RedisLink,
    explain,
    open_redis,
)
from ingest.settings import Settings
from tests.waiting import until

AWAY = "redis://127.0.0.1:1/0"


@pytest.fixture
async def link(settings: Settings) -> AsyncIterator[RedisLink]:
    async with open_redis(settings) as link:
        yield link


def with_login(url: str, login: str) -> str:
    """The URL with another login before its host."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{login}{parts.hostname}:{parts.port}").geturl()


@contextmanager
def configured(settings: Settings, **options: str) -> Iterator[None]:
    """The server with other settings for as long as the block."""
    with redis.Redis.from_url(settings.redis_url) as client:
        before: Any = client.config_get(*options)
        for name, value in options.items():
            client.config_set(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                client.config_set(name, value)


@contextmanager
def user(settings: Settings, *rights: str) -> Iterator[str]:
    """The URL of a login that has these rights."""
    with redis.Redis.from_url(settings.redis_url) as client:
        client.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">pw", *rights)
        try:
            yield with_login(settings.redis_url, "limited:pw@")
        finally:
            client.execute_command("ACL", "DELUSER", "limited")


async def said(url: str, settings: Settings) -> tuple[str, list[str]]:
    """The state of such a Redis, asked twice, and the log about it."""
    with capture_logs() as lines:
        async with open_redis(replace(settings, redis_url=url)) as link:
            states = {await link.state(), await link.state()}
    (state,) = states
    return state, [line["event"] for line in lines]


async def test_one_that_is_there_is_ready(settings: Settings) -> None:
    assert await said(settings.redis_url, settings) == ("ready", [])


async def test_one_that_is_away_does_not_answer(settings: Settings) -> None:
    assert await said(AWAY, settings) == ("does not answer", ["redis is away"])


@pytest.mark.parametrize(
    ("login", "reason"),
    [("", "Authentication required."), (":wrong@", "invalid username-password pair")],
    ids=["NOAUTH", "WRONGPASS"],
)
async def test_a_login_that_is_refused_is_not_away(
    settings: Settings, login: str, reason: str
) -> None:
    state, log = await said(with_login(settings.redis_url, login), settings)
    assert state.startswith("refuses the login of INGEST_REDIS_URL: ")
    assert reason in state
    assert log == ["redis refuses the login"]
    async with open_redis(
        replace(settings, redis_url=with_login(settings.redis_url, login))
    ) as link:
        for _ in range(2):  # the second without asking again
            with pytest.raises(LoginRefused):
                await link.call(Redis(connection_pool=link.pool).ping)


async def test_a_right_that_is_missing_is_named(settings: Settings) -> None:
    with user(settings, "~*", "&*", "+@all", "-@scripting") as url:
        state, log = await said(url, settings)
    assert state.startswith("refuses a call: ")
    assert "eval" in state
    assert log == ["redis refuses a call"]


async def test_one_that_takes_no_writes_is_not_ready(settings: Settings) -> None:
    with configured(settings, maxmemory="1"):
        state, log = await said(settings.redis_url, settings)
    assert state.startswith("refuses a call: ")
    assert "maxmemory" in state
    assert log == ["redis refuses a call"]


async def test_it_is_said_once_that_it_is_away_and_once_that_it_is_back(
    settings: Settings,
) -> None:
    with capture_logs() as lines:
        async with open_redis(settings) as link:
            client = Redis(connection_pool=link.pool)
            with configured(settings, maxmemory="1"):
                for _ in range(3):
                    with pytest.raises(CallRefused):
                        await link.call(lambda: client.set("key", "value"))
            assert await link.state() == "ready"
            for _ in range(3):
                link.report(redis.ConnectionError("gone"))
            assert await link.call(client.ping)
    assert [line["event"] for line in lines] == [
        "redis refuses a call",
        "redis takes calls again",
        "redis is away",
        "redis answers again",
    ]


async def test_a_login_that_may_not_publish_is_not_ready(settings: Settings) -> None:
    with user(settings, "~ingest:*", "~arq:*", "+@all", "resetchannels") as url:
        state, _ = await said(url, settings)
    assert state.startswith("refuses a call: ")


async def test_an_error_of_a_script_is_logged_and_stops_no_other_call(link: RedisLink) -> None:
    client = Redis(connection_pool=link.pool)
    with capture_logs() as lines:
        for _ in range(2):
            with pytest.raises(CallRefused, match="no_such_thing"):
                await link.call(lambda: client.eval("return no_such_thing.at_all", 0))
            assert await link.call(client.ping)
    (line,) = lines
    assert (line["event"], "no_such_thing" in line["reason"]) == ("redis refuses a call", True)
    assert isinstance(line["exc_info"], redis.ResponseError)
    assert await link.state() == "ready"


async def test_a_wrong_call_of_the_driver_is_a_bug(link: RedisLink) -> None:
    client = Redis(connection_pool=link.pool)
    with pytest.raises(DataError):
        await link.call(lambda: client.set("key", None))  # type: ignore[arg-type]  # on purpose
    assert await link.call(client.ping)


async def test_after_a_failure_no_call_waits_until_it_answers_again(settings: Settings) -> None:
    async with open_redis(replace(settings, redis_timeout=0.1)) as link:
        client = Redis(connection_pool=link.pool)
        assert await link.call(client.ping)
        assert link.has_answered_for(2.0)
        with redis.Redis.from_url(settings.redis_url) as server:
            server.execute_command("CLIENT", "PAUSE", "60000", "WRITE")
            with pytest.raises(RedisAway):
                await link.call(lambda: client.set("key", ""))
            called = False

            async def call() -> None:
                nonlocal called
                called = True

            with pytest.raises(RedisAway):
                await link.call(call)
            assert not called
            assert await link.state() == "does not answer"
            server.execute_command("CLIENT", "UNPAUSE")

        async def is_ready() -> bool:
            return await link.state() == "ready"

        await until(is_ready)
        assert not link.has_answered_for(2.0)


def test_one_that_loads_its_data_is_away_for_now() -> None:
    assert str(explain(BusyLoadingError("LOADING"))) == "is loading its data"
