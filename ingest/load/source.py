"""The file that is loaded: its bytes, decompressed, as often as they are asked for.

What can be read only once (standard input, a pipe) is copied into a temporary file first: the
idempotency keys of the first batch depend on all of its bytes.
"""

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ingest.errors import RequestError
from ingest.formats.compression import Decompressor
from ingest.load.feed import LoadError

_STEP = 256 * 1024
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class Source:
    """An open file that can be read several times, also at once."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """
        Args:
            file: a regular file, open for reading.
            name: what messages call it.
        """
        self.name = name
        self._file = file
        self._state = self._now()
        self.size = self._state[0]
        """In bytes, as it is stored."""
        self.digest = self._digest()
        """What identifies its content."""

    def read(self) -> "Reading":
        """Begin to read it from the start."""
        return Reading(self)

    def bytes_at(self, place: int) -> bytes:
        """At most one step of its bytes as they are stored, none at the end.

        Raises:
            LoadError: somebody has changed the file since it was opened.
        """
        data = os.pread(self._file.fileno(), _STEP, place)
        if not data and self._now() != self._state:
            raise LoadError(f"{self.name}: the file was changed while it was being loaded")
        return data

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns

    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=20)
        place = 0
        while data := self.bytes_at(place):
            digest.update(data)
            place += len(data)
        return digest.hexdigest()


class Reading:
    """The decompressed bytes of a source, once from start to end."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.place = 0
        """How many bytes of the file, as it is stored, have been read."""
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        first = self._source.bytes_at(0)
        encoding = next((name for magic, name in _MAGIC.items() if first.startswith(magic)), None)
        decompressor = Decompressor((encoding,) if encoding else (), sys.maxsize)
        try:
            while data := self._source.bytes_at(self.place):
                self.place += len(data)
                yield from decompressor.feed(data)
            decompressor.end()
        except RequestError as error:
            raise file_error(self.name, error) from None


def file_error(name: str, error: RequestError) -> LoadError:
    """What a reader that the service has, too, says of a body, said of a file."""
    sentence = error.message.replace("The body", "the file")
    return LoadError(f"{name}: {sentence}. {error.description or ''}".rstrip())


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """The file at `path`; `-` is standard input.

    Raises:
        LoadError: there is no such file, or it cannot be read.
    """
    if path == "-":
        with _copied(sys.stdin.buffer) as file:
            yield Source(file, "standard input")
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror}") from None
    with file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            yield Source(file, path)
            return
        with _copied(file) as copy:
            yield Source(copy, path)


@contextmanager
def _copied(pipe: BinaryIO) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile(prefix="ingest-load-") as copy:
        while data := pipe.read(_STEP):
            copy.write(data)
        copy.flush()
        yield copy
