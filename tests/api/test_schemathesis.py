"""schemathesis makes requests of the OpenAPI document, and checks each answer against it.

A few of each operation here; `make fuzz` sends many more, and those at every limit.
"""

import asyncio
import dataclasses
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient

from ingest.app import create_app
from ingest.examples import airports, contacts, deals
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.conftest import Server
from tests.harness import Service

FOLDER = Path(__file__).parent / "schemathesis"
EXAMPLES = int(os.environ.get("FUZZ_OPENAPI", "0"))
"""How many requests of each operation are made by chance; 0 for the short run."""
SERVED = [airports, contacts, deals] if EXAMPLES else [airports]
PHASES = "examples,coverage,fuzzing,stateful" if EXAMPLES else "examples,fuzzing"
# What ends with a format differs by the format alone: for the long run.
LEFT_OUT = () if EXAMPLES else ("--exclude-path-regex", r"^/v1/.*\.(\{extension\}|json)$")


@pytest.fixture
async def api(settings: Settings, operator: Pool) -> AsyncIterator[Service]:
    _, token = await create_token(operator, "acme", "tests")
    few = dataclasses.replace(settings, max_items=50)  # one more is sent, too
    async with TestClient(Server(create_app(few, Registry(SERVED)))) as client:
        yield Service(client, token)


@pytest.mark.timeout(0 if EXAMPLES else 120)
async def test_every_answer_is_as_it_is_described(service: Service, tmp_path: Path) -> None:
    told = tmp_path / "told.txt"  # which the one who waits for a long run can follow
    with told.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(Path(sys.executable).parent / "st", "--config-file", FOLDER / "schemathesis.toml"),
            *("run", str(service.client.make_url("/openapi.json")), "--no-color"),
            *("-H", f"Authorization: Bearer {service.token}"),
            *("--checks", "all"),
            *("--phases", PHASES, *LEFT_OUT),
            *("--max-examples", str(EXAMPLES or 1), "--suppress-health-check", "all"),
            *("--continue-on-failure", "--generation-database", "none"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(FOLDER)},
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
        )
    assert await process.wait() == 0, told.read_text()
