"""The names in the header of a CSV file, held against those that its collection has.

A file without a header, or with a title above it, or in another language would otherwise give
items of nothing, or one failure for each of a million rows.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from marshmallow import RAISE, fields
from marshmallow.decorators import PRE_LOAD

from ingest.errors import MalformedBody
from ingest.resources.resource import META, Resource

_SHOWN = 20  # names in a message
_ABSENT = "The first line must name the columns; a file without names is `text/csv; header=absent`."


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The names that columns of a collection's items may have."""

    fields: Sequence[str]
    """As messages show them."""
    others: Set[str] = frozenset()
    """What columns may be called beside."""
    refuses: bool = False
    """Whether an item may have no other name."""

    def check(self, names: Sequence[str]) -> None:
        """Check the names of a header; those with dots are of a nested value.

        Raises:
            MalformedBody: none of them is known, or there are some that every item is refused for.
        """
        may_be = {*self.fields, *self.others}
        unknown = [name for name in names if may_be.isdisjoint((name, name.partition(".")[0]))]
        known = f"Known: {_listed(self.fields)}."
        if names and len(unknown) == len(names):
            raise MalformedBody(
                "The header of the body names no field of the collection",
                f"Found: {_listed(names)}. {known} {_ABSENT}",
            )
        if unknown and self.refuses:
            which = "a column" if len(unknown) == 1 else f"{len(unknown)} columns"
            raise MalformedBody(
                f"The header of the body names {which} that the collection does not have",
                f"Not known: {_listed(unknown)}. {known}",
            )


def known_names(resource: Resource, matching: str | None, *, deletes: bool) -> KnownNames | None:
    """The names of a collection.

    Args:
        matching: the field whose values stand for items, None for the key.
        deletes: whether the items are deleted, which reads what identifies them and nothing else.

    Returns:
        None where other names may mean something to code of the user's, or are kept.
    """
    schema = resource.schema
    if schema._hooks.get(PRE_LOAD) or resource.keeps_unknown:
        return None
    identifying = {resource.key.data_key, resource.identity(matching).data_key, META}
    shown = _names(schema.dump_fields)  # what GET shows may be sent back
    refuses = schema.unknown == RAISE and not deletes
    return KnownNames(schema_columns(resource), identifying.union(shown), refuses)


def schema_columns(resource: Resource) -> tuple[str, ...]:
    """The columns of a file without a header: what the schema loads, in its order."""
    return _names(resource.schema.load_fields)


def _names(of: "Mapping[str, fields.Field[Any]]") -> tuple[str, ...]:
    return tuple(name if field.data_key is None else field.data_key for name, field in of.items())


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:50]) for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
