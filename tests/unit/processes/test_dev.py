"""`ingest dev`, before anything is started."""

from pathlib import Path

import pytest

from ingest.errors import ConfigurationError
from ingest.processes.dev import DevOptions, run
from ingest.settings import Settings


def test_an_instance_that_only_reads_is_no_development_instance(tmp_path: Path) -> None:
    settings = Settings(database_url="", redis_url="", read_only=True)
    options = DevOptions(
        settings=settings, data_dir=tmp_path / "data", api=1, workers=1, ready_file=None
    )
    with pytest.raises(ConfigurationError, match="unset INGEST_READ_ONLY"):
        run(options)
    assert not options.data_dir.exists()
