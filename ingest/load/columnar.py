"""Parquet and Arrow files (`.parquet`, `.arrow`, `.feather`): sent as NDJSON, batch by batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ingest.exactjson import dump_exact
from ingest.formats.negotiation import NDJSON
from ingest.formats.signatures import Content
from ingest.load.errors import LoadError
from ingest.load.feed import MAX_ROW, Feed, Row
from ingest.load.source import Reading

try:
    import pyarrow as pa
    import pyarrow.ipc
    import pyarrow.parquet
except ModuleNotFoundError:
    pa = None
else:
    from ingest.load.arrow_values import check_names, objects, reader_of

_MOST_ROWS = 1024
_BATCH = 4 * 1024 * 1024
"""About as many bytes of a file become rows at a time."""
_BUFFER = 1024 * 1024

_Batches = Iterator[tuple[Any, float]]
"""Record batches, each with the share of the file's rows that it completes."""


def read_columns(reading: Reading, *, null_is_absent: bool) -> Feed:
    """The rows of a Parquet or Arrow file.

    Args:
        null_is_absent: whether an item has no field where it is null.

    Raises:
        LoadError: what reads such files is not installed; the file is damaged; JSON has no value
            for the type of a column.
    """
    if pa is None:
        raise LoadError(
            "Parquet and Arrow files need one more package; run: "
            "pip install 'ingest-service[parquet]'"
        )
    with _damage():
        if reading.source.packing.content is Content.PARQUET:
            schema, batches = _parquet(reading)
        else:
            schema, batches = _arrow(reading)
        check_names(schema.names)
        members = {
            name: reader_of(name, kind, null_is_absent=null_is_absent)
            for name, kind in zip(schema.names, schema.types, strict=True)
        }
    return Feed(NDJSON, _rows(reading, batches, members, null_is_absent))


def _rows(
    reading: Reading, batches: _Batches, members: dict[str, Any], null_is_absent: bool
) -> Iterator[Row]:
    number = 0
    with _damage():
        for batch, share in batches:
            for item in objects(batch.columns, members, None, null_is_absent):
                number += 1
                data = dump_exact(item) + b"\n"
                if len(data) > MAX_ROW:
                    raise LoadError(f"row {number} has more than {MAX_ROW} bytes")
                yield Row(None, data)
            reading.place = int(share * reading.source.size)
        reading.source.check()
        reading.place = reading.source.size
    if not number:
        raise LoadError("the file has no rows")


def _parquet(reading: Reading) -> tuple[Any, _Batches]:
    file = pyarrow.parquet.ParquetFile(
        reading.source.opened(),
        buffer_size=_BUFFER,
        pre_buffer=False,
        page_checksum_verification=True,
    )
    total = file.metadata.num_rows
    groups = range(file.metadata.num_row_groups)
    size = sum(file.metadata.row_group(each).total_byte_size for each in groups)
    rows = _rows_at_once(size, total)

    def batches() -> _Batches:
        done = 0
        for batch in file.iter_batches(batch_size=rows, use_threads=False):
            done += batch.num_rows
            yield batch, min(done / total, 1) if total else 1

    return file.schema_arrow, batches()


def _arrow(reading: Reading) -> tuple[Any, _Batches]:
    # Mapped, so that a record batch of any size takes memory only where it is read.
    mapped = pa.memory_map(f"/dev/fd/{reading.source.descriptor}")
    if reading.source.packing.content is Content.ARROW:
        file = pyarrow.ipc.open_file(mapped)
        count = max(file.num_record_batches, 1)
        whole = (
            (file.get_batch(each), (each + 1) / count) for each in range(file.num_record_batches)
        )
        schema = file.schema
    else:
        stream = pyarrow.ipc.open_stream(mapped)
        whole = ((batch, mapped.tell() / reading.source.size) for batch in stream)
        schema = stream.schema

    def batches() -> _Batches:
        for batch, share in whole:
            batch.validate(full=True)  # a damaged one would be read beyond its end
            rows = _rows_at_once(batch.get_total_buffer_size(), batch.num_rows)
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows), share

    return schema, batches()


def _rows_at_once(size: int, rows: int) -> int:
    """How many rows are made at a time, where so many have so many bytes."""
    return max(1, min(_MOST_ROWS, _BATCH * rows // max(size, 1)))


@contextmanager
def _damage() -> Iterator[None]:
    """Turn what pyarrow says of a file into a LoadError."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        reason = next(iter(str(error).splitlines()), "")[:300]
        raise LoadError(f"the file cannot be read: {reason or type(error).__name__}") from None
