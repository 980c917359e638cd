"""Staged records are taken apart and put together without being read."""

import pytest

from ingest.resources.entries import Entry, entries, joined

RECORDS = (
    b'[{"$i":0,"a":1.10},{"b":"\\u0000 \xc3\xa9","$i":7},'
    b'{"$i":12,"c":[1E+400,123456789012345678901234567890],"d":{"$i":3}}]'
)


@pytest.mark.parametrize("raw", [None, b'{"7":{"b":"\\ud83d\\ude00","$i":9},"12":1e2}'])
def test_each_is_as_it_was_written(raw: bytes | None) -> None:
    found = entries(RECORDS, raw)
    assert [each.index for each in found] == [0, 7, 12]
    assert joined(found) == (RECORDS, raw)
    assert found[1].size == len(found[1].record) + len(found[1].raw or b"")


def test_there_may_be_none() -> None:
    assert entries(b"[]", None) == []
    assert joined([]) == (b"[]", None)
    assert joined([Entry(3, b"{}", None)]) == (b"[{}]", None)
