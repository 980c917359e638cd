"""The file that is loaded: its bytes, unpacked, as often as they are needed.

Standard input and pipes can be read only once, so they are copied into a temporary file first: the
idempotency keys of the first batch depend on all bytes. So is what is packed and not read from
start to end: a workbook, a columnar file.
"""

import asyncio
import hashlib
import io
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, BinaryIO, TypeVar

from ingest.formats.signatures import Content
from ingest.load.errors import LoadError
from ingest.load.packing import Packing, packing_of
from ingest.load.wording import naming

_T = TypeVar("_T")
_STEP = 256 * 1024
_MAX_COPY = 4 * 1024**3
"""The most bytes that are unpacked into a temporary file."""
_MAX_COPIES = 3
_JUMPED_ABOUT = frozenset({Content.ZIP, Content.PARQUET, Content.ARROW})
"""What is not read from start to end."""


class Source:
    """An open file that can be read several times, also at once."""

    def __init__(self, file: BinaryIO, name: str, inner: str = "") -> None:
        """
        Args:
            file: a regular one, open for reading.
            inner: its name in the archive that it came from.

        Raises:
            LoadError: it is packed in a way that is not undone.
        """
        self.name = name
        self._file = file
        self._state = self._now()
        self.size = self._state[0]
        """In bytes, as it is stored."""
        file.seek(0)
        self.digest = hashlib.file_digest(
            file,  # type: ignore[arg-type]
            partial(hashlib.blake2b, digest_size=20),
        ).hexdigest()
        """Identifies its content."""
        with naming(name):
            self.packing: Packing = packing_of(self.opened())
        self.inner = self.packing.inner or inner
        """The name that an archive gives it, if it came from one."""

    def read(self) -> "Reading":
        """Begin to read it from the start."""
        return Reading(self)

    def opened(self) -> io.BufferedReader:
        """Its bytes as they are stored, with a place of their own."""
        return io.BufferedReader(_Place(self), _STEP)

    @property
    def descriptor(self) -> int:
        """The number of the open file."""
        return self._file.fileno()

    def check(self) -> None:
        """Raise LoadError where the file has changed since it was opened; without its name."""
        if self._now() != self._state:
            raise LoadError("the file was changed while it was being loaded")

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns


class _Place(io.RawIOBase):
    """Reads a source from a place of its own."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origins = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}
        self._at = max(origins[whence] + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self._source.descriptor, len(buffer), self._at)
        if not data:
            self._source.check()
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class Reading:
    """The unpacked bytes of a source, once from start to end."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.place = 0
        """How many bytes of the file, as it is stored, have been read."""
        self.source = source

    def __iter__(self) -> Iterator[bytes]:
        file = self.source.opened()
        for piece in self.source.packing.pieces(file):
            self.place = file.tell()
            yield piece
        self.source.check()
        self.place = self.source.size


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """The file at `path`; `-` is standard input.

    Raises:
        LoadError: there is no such file, or it cannot be read or unpacked.
    """
    is_input = path == "-"
    file: BinaryIO
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(0 if is_input else path, "rb", closefd=not is_input))
        except OSError as error:
            raise LoadError(f"{path}: {error.strerror}") from None
        if is_input or not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            copy = stack.enter_context(temporary_file())
            shutil.copyfileobj(file, copy, _STEP)
            copy.flush()
            file = copy
        source = Source(file, "standard input" if is_input else path)
        for _ in range(_MAX_COPIES):
            if not (source.packing.is_packed and source.packing.content in _JUMPED_ABOUT):
                break
            source = _copied(source, stack.enter_context(temporary_file()))
        yield source


def temporary_file() -> Any:
    """A file without a name, which is gone when it is closed."""
    return tempfile.TemporaryFile(prefix="ingest-load-")


def _copied(source: Source, copy: BinaryIO) -> Source:
    """A source of what is packed in another one."""
    size = 0
    with naming(source.name):
        for piece in source.read():
            size += len(piece)
            if size > _MAX_COPY:
                raise LoadError(f"it unpacks to more than {_MAX_COPY} bytes; unpack it yourself")
            copy.write(piece)
    copy.flush()
    return Source(copy, source.name, source.inner)


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
