"""The file that is loaded: its bytes, decompressed, as often as they are needed.

Standard input and pipes can be read only once, so they are copied into a temporary file first: the
idempotency keys of the first batch depend on all bytes.
"""

import asyncio
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from io import BufferedIOBase
from typing import TypeVar

from ingest.errors import IngestError
from ingest.formats.compression import Decompressor

_T = TypeVar("_T")
_STEP = 256 * 1024
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class LoadError(IngestError):
    """The load cannot go on; the message says where, why and what to do."""


class Source:
    """An open file that can be read several times, also at once."""

    def __init__(self, file: BufferedIOBase, name: str) -> None:
        """Args: `file` is a regular one, open for reading."""
        self.name = name
        self._file = file
        self._state = self._now()
        self.size = self._state[0]
        """In bytes, as it is stored."""
        file.seek(0)
        self.digest = hashlib.file_digest(
            file, partial(hashlib.blake2b, digest_size=20)
        ).hexdigest()
        """Identifies its content."""

    def read(self) -> "Reading":
        """Begin to read it from the start."""
        return Reading(self)

    def bytes_at(self, place: int) -> bytes:
        """At most one step of its bytes as they are stored, none at the end.

        Raises:
            LoadError: the file has changed since it was opened; without its name.
        """
        data = os.pread(self._file.fileno(), _STEP, place)
        if not data and self._now() != self._state:
            raise LoadError("the file was changed while it was being loaded")
        return data

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns


class Reading:
    """The decompressed bytes of a source, once from start to end."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.place = 0
        """How many bytes of the file, as it is stored, have been read."""
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        first = self._source.bytes_at(0)
        encodings = [name for magic, name in _MAGIC.items() if first.startswith(magic)]
        decompressor = Decompressor(encodings, sys.maxsize)
        while data := self._source.bytes_at(self.place):
            self.place += len(data)
            yield from decompressor.feed(data)
        decompressor.end()


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """The file at `path`; `-` is standard input.

    Raises:
        LoadError: there is no such file, or it cannot be read.
    """
    is_input = path == "-"
    file: BufferedIOBase
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(0 if is_input else path, "rb", closefd=not is_input))
        except OSError as error:
            raise LoadError(f"{path}: {error.strerror}") from None
        if is_input or not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            copy = stack.enter_context(tempfile.TemporaryFile(prefix="ingest-load-"))
            shutil.copyfileobj(file, copy, _STEP)
            copy.flush()
            file = copy
        yield Source(file, "standard input" if is_input else path)


async def in_thread(work: Callable[[], _T]) -> _T:
    """The result of `work`, which runs beside the event loop so that requests go on meanwhile.

    Also when cancelled, it waits for the end of `work`: until then, nothing may use the same file.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
