"""Columns that stand one place aside: from one on, each value is under its neighbour's name.

Only an empty column may be where the others go to, so nothing of an item is lost.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ingest.digest.cause import About, Item, Transform
from ingest.digest.causes.cells import refit
from ingest.digest.marks import ABSENT, UNLIKE
from ingest.digest.places import Field

_COLUMNS = 50


def propose(about: About) -> Iterator[Transform]:
    """Every shift into a column that is empty in the first item, past the one that failed."""
    columns = [*(about.columns or ())]
    known = {name: each.field for name, each in about.resource.by_data_key.items()}
    if (
        not about.every_item_failed
        or not 2 <= len(columns) <= _COLUMNS
        or len(about.place.steps) != 1
        or about.place.steps[0] not in columns
        or not all(name in known for name in columns)
    ):
        return
    here = columns.index(str(about.place.steps[0]))
    last = len(columns) - 1
    if _is_empty(about.item, columns[last]):
        for start in range(min(here, last - 1) + 1):
            yield _shift(columns[start:], known, right=True)
    for start in range(here + 1):
        if start < last and _is_empty(about.item, columns[start]):
            yield _shift(columns[start:], known, right=False)


def _shift(columns: Sequence[str], known: dict[str, Field], *, right: bool) -> Transform:
    """Args: `right` moves what is under a name to the next one, and else to the one before."""
    sources, targets = (columns[:-1], columns[1:]) if right else (columns[1:], columns[:-1])
    empty = columns[-1] if right else columns[0]

    def mend(item: Item, _: Any) -> Any:
        if not _is_empty(item, empty):
            return UNLIKE
        mended = {name: value for name, value in item.items() if name not in columns}
        for source, target in zip(sources, targets, strict=True):
            if source in item:
                mended[target] = refit(item[source], known[target])
        return mended

    way = "left" if right else "right"
    return Transform(
        "shifted_columns",
        f"From {columns[0]!r} on, the values stand one column too far to the {way}.",
        {"op": "shift", "from": columns[0], "by": 1 if right else -1},
        mend,
        whole=True,
    )


def _is_empty(item: Item, name: str) -> bool:
    return item.get(name, ABSENT) in (ABSENT, None, "")
