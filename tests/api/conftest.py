"""What the contract's tests share, beside the harness."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from ingest.app import create_app
from ingest.http.security import SERVER_OPTIONS
from ingest.http.server import JsonAppRunner
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.harness import REGISTRY, Service

_GRACE = 0.5
"""How many seconds requests that are under way have when a test ends; usually there is none."""


class Server(TestServer):
    """The application behind the server that `ingest serve` puts before it."""

    async def _make_runner(self, **options: Any) -> JsonAppRunner:
        return JsonAppRunner(
            self.app,
            access_log=None,
            auto_decompress=False,
            shutdown_timeout=_GRACE,
            **SERVER_OPTIONS,
            **options,
        )


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The settings, with what `@configured(…)` changes of them."""
    return dataclasses.replace(settings, **getattr(request, "param", {}))


@pytest.fixture
async def api(settings: Settings, operator: Pool) -> AsyncIterator[Service]:
    """An API of this process, without any worker."""
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(Server(create_app(settings, REGISTRY))) as client:
        yield Service(client, token)


@pytest.fixture
async def rival(api: Service, operator: Pool) -> Service:
    """A client of the same service with a token of another account."""
    _, token = await create_token(operator, "rival", "tests")
    return Service(api.client, token)
