"""The embedded Valkey: its settings, its password, its data after a stop."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis

from ingest.processes.valkey import EmbeddedValkey


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    async with EmbeddedValkey(tmp_path / "valkey") as server:
        yield server


def test_valkey_is_a_version_9_with_an_append_only_file(valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        assert str(client.info("server")["valkey_version"]).startswith("9.")
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_valkey_wants_the_password(valkey: EmbeddedValkey) -> None:
    with (
        redis.Redis(port=valkey.port) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


async def test_valkey_keeps_its_data_over_a_stop(valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.set("kept", "7")
    await valkey.stop()
    await valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        assert client.get("kept") == b"7"
