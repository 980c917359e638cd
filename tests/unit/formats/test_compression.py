"""Content encodings: what comes out, how much of it at a time, and what is refused."""

import bz2
import gzip
import lzma
import random
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from ingest.errors import BodyTooLarge, MalformedBody, UnsupportedEncoding
from ingest.formats.compression import STEP, Decompressor, parse_encodings

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Compress = Callable[[bytes], bytes]
LIMIT = 2**24
BODY = b"".join(b'{"n": %d}\n' % number for number in range(50_000))


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


WAYS: list[tuple[str, Compress]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("zstd", zstd.compress),
]
OF_FILES: list[tuple[str, Compress]] = [
    ("bzip2", bz2.compress),
    ("xz", partial(lzma.compress, preset=0)),
]
names = pytest.mark.parametrize(("encoding", "compress"), WAYS)
all_names = pytest.mark.parametrize(("encoding", "compress"), [*WAYS, *OF_FILES])


def decompressed(headers: list[str], data: bytes, chunk: int = 1000, limit: int = LIMIT) -> bytes:
    known = headers if {*headers} & {*dict(OF_FILES)} else parse_encodings(headers)
    decompressor = Decompressor(known, limit)
    pieces = []
    for start in range(0, len(data), chunk):
        for piece in decompressor.feed(data[start : start + chunk]):
            assert len(piece) <= max(STEP, chunk)
            pieces.append(piece)
    decompressor.end()
    return b"".join(pieces)


@all_names
@pytest.mark.parametrize("chunk", [1, 7, 1000, 10**7])
def test_what_was_compressed_comes_out(encoding: str, compress: Compress, chunk: int) -> None:
    body = BODY[:5000] if chunk == 1 else BODY
    assert decompressed([encoding], compress(body), chunk) == body


@names
def test_nothing_compressed_is_nothing(encoding: str, compress: Compress) -> None:
    assert decompressed([encoding], compress(b"")) == b""
    assert decompressed([encoding], b"") == b""


@names
def test_members_follow_each_other(encoding: str, compress: Compress) -> None:
    if encoding != "deflate":
        assert decompressed([encoding], compress(b"a") + compress(b"b"), 3) == b"ab"
        assert decompressed([encoding], compress(b"a") + bytes(1000)) == b"a"


def test_encodings_are_undone_in_reverse() -> None:
    twice = zstd.compress(gzip.compress(BODY))
    assert decompressed(["gzip", "zstd"], twice) == BODY
    assert decompressed(["GZIP , zstd"], twice) == BODY
    assert decompressed(["identity", "gzip, identity", "zstd"], twice) == BODY
    assert decompressed([], BODY) == decompressed(["identity"], BODY) == BODY
    with pytest.raises(MalformedBody):
        decompressed(["zstd", "gzip"], twice)


@pytest.mark.parametrize("headers", [["br"], ["gzip, br"], ["gzip", "x"], ["gzip;q=1"], ["*"]])
def test_other_encodings_are_refused(headers: list[str]) -> None:
    with pytest.raises(UnsupportedEncoding) as refused:
        parse_encodings(headers)
    assert "gzip, deflate, zstd" in str(refused.value.description)


def test_a_body_is_not_decoded_without_end() -> None:
    with pytest.raises(UnsupportedEncoding):
        parse_encodings(["gzip"] * 4)


@all_names
def test_what_breaks_off_is_refused(encoding: str, compress: Compress) -> None:
    whole = compress(BODY)
    for size in (1, 2, 3, 10, len(whole) // 2, len(whole) - 1):
        with pytest.raises(MalformedBody):
            decompressed([encoding], whole[:size])


@all_names
def test_damage_is_refused_or_harmless(encoding: str, compress: Compress) -> None:
    chosen = random.Random(7)
    whole = compress(BODY[:10_000])
    for _ in range(200):
        place = chosen.randrange(len(whole))
        damaged = whole[:place] + bytes([chosen.randrange(256)]) + whole[place + 1 :]
        with suppress(MalformedBody, BodyTooLarge):
            decompressed([encoding], damaged)


@all_names
def test_garbage_is_refused(encoding: str, compress: Compress) -> None:
    for garbage in (b"[{}]", b"\xff" * 100, compress(b"a") + b"garbage"):
        with pytest.raises(MalformedBody):
            decompressed([encoding], garbage)


@all_names
def test_the_limit_is_exact(encoding: str, compress: Compress) -> None:
    assert len(decompressed([encoding], compress(bytes(5000)), limit=5000)) == 5000
    with pytest.raises(BodyTooLarge):
        decompressed([encoding], compress(bytes(5001)), limit=5000)


@names
def test_a_bomb_costs_no_memory(encoding: str, compress: Compress) -> None:
    bomb = compress(bytes(2**26))
    assert len(bomb) * 1000 < 2**26
    decompressor = Decompressor(parse_encodings([encoding]), 2**25)
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        for _ in decompressor.feed(bomb):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 2**20


def test_a_bomb_inside_a_bomb() -> None:
    twice = gzip.compress(gzip.compress(bytes(2**26)))
    decompressor = Decompressor(("gzip", "gzip"), LIMIT)
    with pytest.raises(BodyTooLarge):
        for _ in decompressor.feed(twice):
            pass
    # What unpacks to nothing in the end is counted on the way.
    empty = gzip.compress(b"") * 10**6
    decompressor = Decompressor(("gzip", "gzip"), LIMIT)
    with pytest.raises(BodyTooLarge):
        for _ in decompressor.feed(gzip.compress(empty)):
            pass


def test_a_zstd_frame_that_asks_for_much_memory_is_refused() -> None:
    options = {zstd.CompressionParameter.window_log: 27}
    compressor = zstd.ZstdCompressor(options=options)
    frame = compressor.compress(random.Random(1).randbytes(1000), mode=compressor.FLUSH_BLOCK)
    with pytest.raises(MalformedBody):
        decompressed(["zstd"], frame)


def test_an_xz_stream_that_asks_for_much_memory_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**28, "mode": lzma.MODE_FAST}]
    compressed = lzma.compress(b"x", filters=filters)
    with pytest.raises(MalformedBody, match="not valid xz"):
        decompressed(["xz"], compressed)


def test_what_is_not_compressed_has_the_same_limit() -> None:
    decompressor = Decompressor((), 10)
    assert list(decompressor.feed(b"12345")) == [b"12345"]
    assert list(decompressor.feed(b"67890")) == [b"67890"]
    with pytest.raises(BodyTooLarge):
        list(decompressor.feed(b"x"))
    assert decompressor.size == 11


@pytest.mark.parametrize("content", [b"", b"x"])
@names
def test_tiny_members_are_put_together(encoding: str, compress: Compress, content: bytes) -> None:
    if encoding == "deflate" and compress is raw_deflate:
        content = b"x"  # what holds nothing looks like padding
    data = compress(content) * 10_000
    decompressor = Decompressor(parse_encodings([encoding]), LIMIT)
    pieces = [*decompressor.feed(data)]
    decompressor.end()
    assert b"".join(pieces) == content * 10_000
    # Each is what becomes of 8 KiB: no piece is one byte, and none is 10,000 members of work.
    assert len(pieces) == -(-len(data) // 8192)


def test_what_is_compressed_twice_comes_in_turns() -> None:
    empty = gzip.compress(b"") * 100_000
    decompressor = Decompressor(["gzip", "gzip"], LIMIT)
    pieces = [*decompressor.feed(gzip.compress(empty))]
    decompressor.end()
    assert set(pieces) == {b""}
    assert len(pieces) >= len(empty) // 8192
