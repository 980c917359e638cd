"""Commands without the environment of the test process, and without a database."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ingest.store import operators


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the variables that a test sets, and `sys.path` as it was afterwards."""
    for name in os.environ:
        if name.startswith("INGEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_DATABASE_URL", "postgresql://database")
    monkeypatch.setenv("INGEST_REDIS_URL", "redis://redis")


@pytest.fixture
def store(configured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No database: the commands get a pool that is never used."""

    @asynccontextmanager
    async def pool(*_: object, **__: object) -> AsyncIterator[None]:
        yield None

    monkeypatch.setattr(operators, "open_operator_pool", pool)
