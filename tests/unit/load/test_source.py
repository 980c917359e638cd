"""Files and their bytes."""

import gzip
from pathlib import Path

import orjson
import pytest

from ingest.load.errors import LoadError
from ingest.load.source import Source, open_source


@pytest.mark.parametrize("compress", [None, gzip.compress])
def test_a_source_is_read_as_often_as_wanted(tmp_path: Path, compress: object) -> None:
    content = orjson.dumps(list(range(100_000)))
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if compress else content)
    with open_source(str(path)) as source:
        assert b"".join(source.read()) == b"".join(source.read()) == content
        reading = source.read()
        list(reading)
        assert reading.place == source.size == path.stat().st_size


def test_a_source_that_changes_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1\n")
    with path.open("rb") as file:
        source = Source(file, "file")
        path.write_bytes(b"1\n2\n")
        with pytest.raises(LoadError, match="was changed while"):
            list(source.read())


def test_the_content_of_a_source_identifies_it(tmp_path: Path) -> None:
    digests = []
    for content in (b"1\n", b"1\n", b"2\n"):
        path = tmp_path / "file"
        path.write_bytes(content)
        with open_source(str(path)) as source:
            digests.append(source.digest)
    assert digests[0] == digests[1] != digests[2]
