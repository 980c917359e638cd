"""Staged records taken apart and put together, each as it was written: none is read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from ingest.resources.records import INDEX


@dataclass(frozen=True, slots=True)
class Entry:
    """A staged item: its index, its record, and its raw form where that is kept beside it."""

    index: int
    record: bytes
    raw: bytes | None

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.record) + len(self.raw or b"")


class _Indexed(msgspec.Struct):
    index: int = msgspec.field(name=INDEX)


_index_of = msgspec.json.Decoder(_Indexed)
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def entries(records: bytes, raw: bytes | None) -> list[Entry]:
    """The items of a chunk, in their order."""
    kept = _members.decode(raw) if raw else {}
    return [_entry(bytes(record), kept) for record in _elements.decode(records)]


def _entry(record: bytes, kept: dict[str, msgspec.Raw]) -> Entry:
    index = _index_of.decode(record).index
    found = kept.get(str(index))
    return Entry(index, record, None if found is None else bytes(found))


def joined(items: Sequence[Entry]) -> tuple[bytes, bytes | None]:
    """The records of a chunk and the raw forms beside them, which `entries` takes apart again."""
    return b"[%b]" % b",".join(each.record for each in items), _raw(items)


def _raw(items: Iterable[Entry]) -> bytes | None:
    members = [b'"%d":%b' % (each.index, each.raw) for each in items if each.raw is not None]
    return b"{%b}" % b",".join(members) if members else None
