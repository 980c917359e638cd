"""The whole service with resources that a test declares itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.test_utils import TestClient

from ingest import Resource
from ingest.app import create_app
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.tokens import create_token
from migrations.run import migrate
from tests.api.conftest import Server
from tests.harness import Service
from workers.settings import open_committer, running_worker


@asynccontextmanager
async def serving(settings: Settings, *resources: Resource) -> AsyncIterator[Service]:
    """API and worker with these resources, on tables that are made where there are none yet.

    Entered again on the same database, it is the service after a restart. The database is to be the
    test's own (`empty_database`).
    """
    registry = Registry(resources)
    await asyncio.to_thread(migrate, settings.database_url, registry)
    async with open_pool(settings, role=None) as operator:
        _, token = await create_token(operator, "acme", "tests")
    async with (
        open_committer(settings, registry) as committer,
        running_worker(committer),
        TestClient(Server(create_app(settings, registry))) as client,
    ):
        yield Service(client, token)
