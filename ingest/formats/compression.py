"""Content encodings, gzip, deflate and zstd, and bzip2 and xz of files, undone in bounded steps.

Only the decompressed size counts, and it is counted while it grows: however much a body would
become, no more than one step of it is in memory before the limit is checked.
"""

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ingest.errors import BodyTooLarge, MalformedBody, UnsupportedEncoding

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ENCODINGS = ("gzip", "deflate", "zstd")
"""Those of HTTP. `Decompressor` knows two more, of files: bzip2 and xz."""
STEP = 64 * 1024
"""The most bytes that one step decompresses."""

_ALIASES = {"x-gzip": "gzip"}
_MAX_ENCODINGS = 3
# The standard library copies all that follows a member; a body may hold many tiny ones.
_SLICE = 8 * 1024
# RFC 9659: what a zstd content coding may ask a decoder to keep is 8 MiB.
_ZSTD_WINDOW_LOG = 23
# What `xz -9` takes, and not the gigabytes that its format allows.
_XZ_MEMORY = 128 * 1024 * 1024
_ZSTD_OPTIONS = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}


def parse_encodings(headers: Sequence[str]) -> tuple[str, ...]:
    """The encodings of all `Content-Encoding` headers, in the order in which they were applied.

    Raises:
        UnsupportedEncoding: one of them is not known, or there are too many.
    """
    names = [name.strip().lower() for header in headers for name in header.split(",")]
    names = [_ALIASES.get(name, name) for name in names if name not in ("", "identity")]
    for name in names:
        if name not in ENCODINGS:
            raise UnsupportedEncoding(
                f"The content encoding {name[:100]!r} is not read",
                f"Send {', '.join(ENCODINGS)}, or the body uncompressed.",
            )
    if len(names) > _MAX_ENCODINGS:
        raise UnsupportedEncoding(
            f"The body is encoded {len(names)} times", f"At most {_MAX_ENCODINGS} are undone."
        )
    return tuple(names)


class Decompressor:
    """Undoes the encodings of one body. Without any, it only counts."""

    def __init__(self, encodings: Sequence[str], limit: int) -> None:
        """Args: `limit` is the most bytes that the body may become."""
        self._stages = [_Stage(name, limit) for name in reversed(encodings)]
        self._limit = limit
        self.size = 0
        """Bytes that have come out."""

    @property
    def window(self) -> int:
        """The most bytes that it keeps of what has come out, for what is still to come."""
        return sum(stage.window for stage in self._stages)

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What `chunk` becomes, in pieces of at most `STEP` bytes where it is compressed.

        Each piece is a few milliseconds of work. One may be empty: what is compressed twice may
        become a gigabyte of members that hold nothing.

        Raises:
            BodyTooLarge: the body is larger than the limit.
            MalformedBody: it is not what its encoding says.
        """
        pieces: Iterable[bytes] = (chunk,)
        for stage in self._stages:
            pieces = stage.undo(pieces)
        for piece in pieces:
            self.size += len(piece)
            if self.size > self._limit:
                raise too_large(self._limit)
            yield piece

    def whole(self, sent: bytes) -> Iterator[bytes]:
        """What a body becomes that is there whole. Raises as `feed` and `end` do."""
        yield from self.feed(sent)
        self.end()

    def end(self) -> None:
        """Raise MalformedBody where the compressed body breaks off."""
        for stage in self._stages:
            stage.end()


def too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {limit} bytes", "Send the items in several requests."
    )


class _Stage:
    """One encoding. A body may hold several members (zstd: frames), one after the other."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._open = _OPEN[name]
        self._member: Any = None
        self._head = b""
        self._ended = False
        self._size = 0

    @property
    def window(self) -> int:
        """Of zstd only, and as much as has come out: the rest of a window is not in memory yet."""
        return min(self._size, 2**_ZSTD_WINDOW_LOG) if self._name == "zstd" else 0

    def undo(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            for start in range(0, len(chunk), _SLICE):
                yield from _joined(self._undo(chunk[start : start + _SLICE]))

    def end(self) -> None:
        if self._member is not None or self._head.strip(b"\0"):
            raise self._broken("it breaks off")

    def _undo(self, chunk: bytes) -> Iterator[bytes]:
        data = self._head + chunk
        self._head = b""
        while data:
            if self._member is None:
                if self._ended and not data.strip(b"\0"):
                    return  # zeros after the last member are padding
                if len(data) < 2:  # the first two bytes tell what a member is
                    self._head = data
                    return
                self._member = self._open(data)
            yield from self._counted(data)
            if not self._member.eof:
                return
            data = self._member.unused_data
            self._member, self._ended = None, True

    def _counted(self, data: bytes) -> Iterator[bytes]:
        try:
            for piece in _steps(self._member, data):
                self._size += len(piece)
                if self._size > self._limit:
                    raise too_large(self._limit)
                yield piece
        except (zlib.error, zstd.ZstdError, lzma.LZMAError, OSError) as error:  # OSError: bzip2
            raise self._broken(str(error)[:200]) from None

    def _broken(self, reason: str) -> MalformedBody:
        return MalformedBody(
            f"The body is not valid {self._name}",
            f"After {self._size} decompressed bytes: {reason}.",
        )


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes with the short pieces of a slice put together; one more that may be empty."""
    short = bytearray()
    for piece in pieces:
        if len(short) + len(piece) > STEP:
            yield bytes(short)
            short.clear()
        if len(piece) == STEP:
            yield piece
        else:
            short += piece
    yield bytes(short)


def _steps(member: Any, data: bytes) -> Iterator[bytes]:
    """What a decompressor of the standard library makes of some bytes."""
    while not member.eof:
        piece = member.decompress(data, STEP)
        if piece:
            yield piece
        data = getattr(member, "unconsumed_tail", b"")  # the others keep their own
        if not data and len(piece) < STEP:
            return


def _open_deflate(start: bytes) -> Any:
    """`deflate` is the zlib format; some clients send its inside alone (RFC 9110, 8.4.1.2)."""
    wrapped = start[0] & 0x0F == zlib.DEFLATED and int.from_bytes(start[:2], "big") % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)


# From the first bytes of a member to a decompressor.
_OPEN: dict[str, Callable[[bytes], Any]] = {
    "gzip": lambda _: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "deflate": _open_deflate,
    "zstd": lambda _: zstd.ZstdDecompressor(options=_ZSTD_OPTIONS),
    "bzip2": lambda _: bz2.BZ2Decompressor(),
    "xz": lambda _: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY),
}
