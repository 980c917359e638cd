"""A server for tests of what belongs to a whole cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.processes.postgres import EmbeddedPostgres
from tests.processes import running


@pytest.fixture
def fresh_cluster(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of its own: roles belong to all databases of one."""
    with running(EmbeddedPostgres(tmp_path / "postgres", {"fsync": "off"})) as server:
        yield server
