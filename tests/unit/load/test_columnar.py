"""Parquet and Arrow files: exact values, and what JSON has no value for."""

import datetime as dt
import sys
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
import pytest

from ingest.exactjson import load_exact
from ingest.load.errors import LoadError
from ingest.load.feed import Feed
from ingest.load.kinds import FileFormat, FileOptions
from ingest.load.readers import open_feed
from ingest.load.source import open_source

Write = Callable[[pa.Table, str], Any]


def as_ipc(open_writer: Any) -> Write:
    def write(table: pa.Table, path: str) -> None:
        with open_writer(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=1500)

    return write


WRITERS: list[Write] = [
    pyarrow.parquet.write_table,
    lambda table, path: pyarrow.parquet.write_table(table, path, row_group_size=700),
    pyarrow.feather.write_feather,
    as_ipc(pyarrow.ipc.new_file),
    as_ipc(pyarrow.ipc.new_stream),
]


def items(folder: Path, table: pa.Table, write: Write = WRITERS[0], **options: Any) -> list[Any]:
    path = str(folder / "table.csv")  # the name does not matter
    write(table, path)
    with open_source(path) as source:
        reading = source.read()
        feed: Feed = open_feed(reading, FileOptions(FileFormat.PARQUET, **options))
        rows = [load_exact(row.data) for row in feed.rows]
        assert reading.place == source.size
        return rows


def column(values: list[Any], kind: pa.DataType, **how: Any) -> Callable[[Path], list[Any]]:
    def found(folder: Path) -> list[Any]:
        table = pa.table({"x": pa.array(values, kind)})
        return [row["x"] for row in items(folder, table, **how)]

    return found


def utc(number: int, kind: pa.DataType) -> pa.Array:
    return pa.array([number], pa.int64()).cast(kind)


LONG = Decimal("12345678901234567890.120")
ID = uuid.UUID(int=7)
VALUES: list[tuple[Any, pa.DataType, Any]] = [
    ("é", pa.string(), "é"),
    ("a", pa.dictionary(pa.int8(), pa.large_string()), "a"),
    (2**64 - 1, pa.uint64(), 2**64 - 1),
    (True, pa.bool_(), True),
    (19.99, pa.float32(), 19.99),
    (0.1, pa.float64(), 0.1),
    (float("nan"), pa.float64(), "NaN"),
    (float("-inf"), pa.float32(), "-Infinity"),
    (
        Decimal("12345678901234567890.120"),
        pa.decimal128(38, 3),
        Decimal("12345678901234567890.120"),
    ),
    (dt.date(2026, 11, 22), pa.date32(), "2026-11-22"),
    (dt.date(2026, 11, 22), pa.date64(), "2026-11-22"),
    (37_800_000_000_001, pa.time64("ns"), "10:30:00.000000001"),
    (37_800, pa.time32("s"), "10:30:00"),
    (0, pa.timestamp("s"), "1970-01-01T00:00:00"),
    (1, pa.timestamp("ms", "UTC"), "1970-01-01T00:00:00.001+00:00"),
    (1_750_000_000_000_000, pa.timestamp("us", "Europe/Rome"), "2025-06-15T17:06:40+02:00"),
    (-1, pa.timestamp("ns", "-05:30"), "1969-12-31T18:29:59.999999999-05:30"),
    (10**15, pa.timestamp("s"), "1000000000000000 seconds after 1970-01-01"),
    (1500, pa.duration("ms"), Decimal("1.500")),
    (ID.bytes, pa.uuid(), str(ID)),
    ('{"a": 1}', pa.json_(), {"a": 1}),
    ([1, None], pa.list_(pa.int64()), [1, None]),
    ([[0.5], []], pa.list_(pa.list_(pa.float32()), 2), [[0.5], []]),
    (
        {"a": 1, "b": {"c": dt.date(1970, 1, 2)}},
        pa.struct({"a": pa.int8(), "b": pa.struct({"c": pa.date32(), "d": pa.int8()})}),
        {"a": 1, "b": {"c": "1970-01-02"}},
    ),
    ([("k", [1]), ("l", None)], pa.map_(pa.string(), pa.list_(pa.int8())), {"k": [1], "l": None}),
    ([(5, "x")], pa.map_(pa.int64(), pa.string()), {"5": "x"}),
]


@pytest.mark.parametrize(("value", "kind", "expected"), VALUES)
def test_values_are_exact(value: Any, kind: pa.DataType, expected: Any, tmp_path: Path) -> None:
    """Among nulls, and in slices of a batch."""
    if pa.types.is_dictionary(kind):  # which not every version makes of values
        indices = pa.array([None, 0, None, 0], kind.index_type)
        stored = pa.DictionaryArray.from_arrays(indices, pa.array([value], kind.value_type))
    else:
        stored = pa.array([None, value, None, value], kind)
    assert stored.type == kind
    table = pa.table({"x": stored, "n": pa.array(range(4))})
    write = as_ipc(pyarrow.ipc.new_file)
    assert items(tmp_path, table.slice(1), write) == [
        {"x": expected, "n": 1},
        {"n": 2},
        {"x": expected, "n": 3},
    ]
    assert items(tmp_path, table, write, null_is_absent=False)[0] == {"x": None, "n": 0}


@pytest.mark.parametrize("write", WRITERS)
def test_rows_come_batch_by_batch_in_their_order(write: Write, tmp_path: Path) -> None:
    numbers = list(range(3000))
    table = pa.table({"n": numbers, "t": [["x" * 100] if n % 3 else None for n in numbers]})
    found = items(tmp_path, table, write)
    assert [item["n"] for item in found] == numbers
    assert found[2999]["t"] == ["x" * 100] if 2999 % 3 else "t" not in found[2999]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (pa.binary(), "the column 'x' holds bytes, which JSON has no value for: write it as a"),
        (pa.list_(pa.struct({"y": pa.binary(4)})), "the column 'x.0.y' holds bytes"),
        (pa.month_day_nano_interval(), "the column 'x' is of the type month_day_nano_interval"),
        (pa.map_(pa.date32(), pa.int8()), "the column 'x' is a map whose keys are no texts"),
        (pa.timestamp("s", "Mars/Olympus"), "'x' has an unknown time zone, 'Mars/Olympus'"),
    ],
)
def test_what_json_has_no_value_for_is_named(kind: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(LoadError) as caught:
        items(tmp_path, pa.table({"x": pa.nulls(1, kind)}), as_ipc(pyarrow.ipc.new_file))
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/table.csv: ")


@pytest.mark.parametrize("write", WRITERS)
def test_damage_is_named(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    write(pa.table({"n": list(range(1000))}), str(path))
    for size in (100, 1000, path.stat().st_size - 1):
        path.write_bytes(path.read_bytes()[:size])
        with (
            pytest.raises(LoadError, match=r"table.parquet: the file (cannot be read|has no rows)"),
            open_source(str(path)) as source,
        ):
            list(open_feed(source.read(), FileOptions(FileFormat.PARQUET)).rows)


def test_pages_with_another_checksum_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    table = pa.table({"n": [7] * 1000 + [8]})
    pyarrow.parquet.write_table(
        table, path, compression="none", use_dictionary=False, write_page_checksum=True
    )
    data = bytearray(path.read_bytes())
    data[data.index((7).to_bytes(8, "little") * 10)] ^= 1
    path.write_bytes(data)
    with (
        pytest.raises(LoadError, match="CRC checksum verification failed"),
        open_source(str(path)) as source,
    ):
        list(open_feed(source.read(), FileOptions(FileFormat.PARQUET)).rows)


def test_names_of_columns_that_are_no_text_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "table.arrow"
    as_ipc(pyarrow.ipc.new_file)(pa.table({"name": [1]}), str(path))
    path.write_bytes(path.read_bytes().replace(b"name", b"n\xffme"))
    with (
        pytest.raises(LoadError, match="the file cannot be read: 'utf-8' codec"),
        open_source(str(path)) as source,
    ):
        open_feed(source.read(), FileOptions(FileFormat.ARROW))


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="the file has no rows"):
        items(tmp_path, pa.table({"x": pa.nulls(0, pa.string())}))
    with pytest.raises(LoadError, match="two columns are called 'x'"):
        items(tmp_path, pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"]))
    twice = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["y", "y"])
    with pytest.raises(LoadError, match=r"two columns are called 'x\.y'"):
        items(tmp_path, pa.table({"x": twice}), as_ipc(pyarrow.ipc.new_file))


def test_what_reads_them_may_not_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "ingest.load.columnar", raising=False)
    with pytest.raises(LoadError, match=r"run: pip install 'ingest-service\[parquet\]'"):
        items(tmp_path, pa.table({"x": [1]}))
