"""Items of another collection. No transform of them makes them some of this one."""

from collections.abc import Iterator
from typing import Any

from ingest.digest.cause import About, Accepts, Item, Transform
from ingest.digest.marks import LOST, UNLIKE


def propose(about: About) -> Iterator[Transform]:
    """Each other collection of the caller's."""
    if about.every_item_failed:
        for name, accepts in about.elsewhere.items():
            yield _of(name, accepts)


def _of(name: str, accepts: Accepts) -> Transform:
    def mend(item: Item, _: Any) -> Any:
        return LOST if accepts(item) else UNLIKE

    return Transform(
        "wrong_collection",
        f"The items are valid ones of the collection {name!r}: send them to /v1/{name}.",
        {"op": "wrong_collection", "collection": name},
        mend,
        whole=True,
        more={"collection": name},
    )
