"""Two columns under each other's names."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from ingest.digest.cause import About, Item, Transform
from ingest.digest.causes.cells import refit
from ingest.digest.marks import UNLIKE
from ingest.digest.places import Field

_PARTNERS = 30
_NOTHING = (None, "")


def propose(about: About) -> Iterator[Transform]:
    """A swap with each of the other fields that the first item has."""
    if not about.every_item_failed or len(about.place.steps) != 1:
        return
    own = str(about.place.steps[0])
    known = {
        name: each.field
        for name, each in about.resource.by_data_key.items()
        if not each.field.dump_only
    }
    if own not in known:
        return
    others = (name for name in about.item if name != own and name in known)
    for other in islice(others, _PARTNERS):
        yield _swap(own, other, known, from_cells=about.columns is not None)


def _swap(own: str, other: str, known: dict[str, Field], *, from_cells: bool) -> Transform:
    first, second = sorted((own, other))

    def mend(item: Item, _: Any) -> Any:
        # Where nothing is, it takes the place of anything that is bad: that tells no swap.
        if item.get(first) in _NOTHING or item.get(second) in _NOTHING:
            return UNLIKE
        mended = {name: value for name, value in item.items() if name not in (first, second)}
        for source, target in ((first, second), (second, first)):
            value = item[source]
            mended[target] = refit(value, known[target]) if from_cells else value
        return mended

    return Transform(
        "swapped_columns",
        f"The values of {first!r} and {second!r} stand under each other's names.",
        {"op": "swap", "fields": [first, second]},
        mend,
        whole=True,
    )
