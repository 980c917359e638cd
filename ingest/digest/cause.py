"""What a cause is: it looks at a group of failures, and proposes transforms of their items.

It need not be right: `ingest.digest.trials` tries each transform on every item of the group, and
what does not heal them is dropped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import fields

from ingest.digest.marks import ABSENT, UNLIKE, Mark
from ingest.digest.places import Field, Place, Steps, put, value_at
from ingest.errors import ErrorCode
from ingest.formats.shapes import any_integer
from ingest.resources.resource import Resource

Item = dict[str, Any]
Accepts = Callable[[Item], bool]
"""Whether a collection takes an item."""
_UNCLEAR = "Nothing in the batch tells which of several readings of the values is meant."


@dataclass(frozen=True, slots=True)
class About:
    """A group of failures, as its first item shows it."""

    resource: Resource
    code: ErrorCode
    place: Place
    item: Any
    """As it was received: an object, or the cells of a row that is none."""
    every_item_failed: bool
    """Whether the batch has no good item."""
    columns: Sequence[str] | None = None
    """Those of a CSV body."""
    empty_as_null: bool = False
    """Whether an empty cell of it is null."""
    elsewhere: Mapping[str, Accepts] = field(default_factory=dict)
    """The other collections of the caller's, and what they take."""


@dataclass(frozen=True, slots=True)
class Transform:
    """What may make a bad item good."""

    cause: str
    says: str
    """The cause in a sentence or two, for a person."""
    document: Mapping[str, Any]
    """The same for a program: `op`, and what that needs to be done again."""
    mend: Callable[[Any, Sequence[Steps]], Any]
    """From an item, and the places of it that failed, to a mended copy, or to a `Mark`."""
    mend_value: Callable[[Any], Any] | None = None
    """The same of one value, where it lies in that."""
    whole: bool = False
    """Whether it is of the whole batch, and so no item of it may be good."""
    changes: Sequence[str] | None = None
    """The fields of an item that it changes; None for one that does the same for all errors."""
    of_rows: bool = False
    """Whether it takes the cells of a row, and no objects."""
    unclear: str = _UNCLEAR
    """The same where other transforms heal as well, to other values."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What is shown with the cause."""


Propose = Callable[[About], Iterator[Transform]]


def of_values(
    cause: str,
    says: str,
    fits: Callable[[Field], bool],
    mend: Callable[[Any, Place], Any],
    unclear: str = _UNCLEAR,
    **document: Any,
) -> Propose:
    """A cause that lies in single values.

    Args:
        fits: the fields whose values may have it.
        mend: from a value that failed, and its place, to the mended one, or to a `Mark`.
        unclear, document: those of the transforms.
    """

    def propose(about: About) -> Iterator[Transform]:
        place = about.place
        if place.field is None or not fits(place.field):
            return
        takes_no_text = isinstance(place.field, fields.Integer) and place.field.strict

        def mend_value(value: Any) -> Any:
            mended = UNLIKE if value is ABSENT else mend(value, place)
            return any_integer(mended) if takes_no_text and isinstance(mended, str) else mended

        def mend_item(item: Item, places: Sequence[Steps]) -> Any:
            for steps in places:
                mended = mend_value(value_at(item, steps))
                if isinstance(mended, Mark) and mended is not ABSENT:
                    return mended
                item = put(item, steps, mended)
            return item

        shown = {"op": cause, "field": place.like, **document}
        name = str(place.steps[0])
        yield Transform(
            cause,
            says,
            shown,
            mend_item,
            mend_value=mend_value,
            changes=(name,),
            unclear=unclear,
        )

    return propose


def of_items(cause: str, says: str, mend: Callable[[Item], Any]) -> Propose:
    """A cause that lies in an item as a whole, whatever of it failed."""

    def propose(_: About) -> Iterator[Transform]:
        yield Transform(cause, says, {"op": cause}, lambda item, _: mend(item))

    return propose
