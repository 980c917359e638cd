"""Query parameters: each known by name, given once, with a value that can be read."""

import datetime as dt
import re
from collections.abc import Callable, Sequence, Set
from typing import Any, TypeVar
from uuid import UUID

from multidict import MultiMapping

from ingest.describe.json_schema import Kind
from ingest.errors import InvalidParameter
from ingest.model import EVERY_FIELD, BatchState, Selection
from ingest.resources.layout import StoredField
from ingest.resources.lists import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_OFFSET,
    MAX_VALUES,
    WRITTEN_BY,
    filterable,
)
from ingest.resources.resource import META, Resource
from ingest.resources.url_values import parse, shown_choices
from ingest.store.batch_filter import ALL_BATCHES, BatchFilter

FILTERS = "field=value"
"""Stands for the fields that a list can be filtered by."""

_Read = TypeVar("_Read")

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_COLLECTION = re.compile(r"[a-z][a-z0-9_-]{0,47}")
_QUOTED = re.compile(r'"[^"]*"')
# Quotes count where they are around a whole name; a name may have one inside.
_PART = re.compile(rf"\s*-?{_QUOTED.pattern}\s*(?=,|$)|[^,]+")


class Query:
    """Query parameters: each known by name, given once, with a value that can be read."""

    def __init__(
        self, given: MultiMapping[str], parameters: Set[str], resource: Resource | None
    ) -> None:
        """
        Args:
            given: the parameters of a request.
            parameters: those that its endpoint takes; `FILTERS` stands for the fields of the
                collection.
            resource: that of the collection.

        Raises:
            InvalidParameter: names a parameter that is not known, or is given twice.
        """
        self._resource = resource
        self._given = given
        self._filterable = filterable(resource) if FILTERS in parameters and resource else {}
        known = (parameters - {FILTERS}) | self._filterable.keys()
        for name in self._given:
            if name not in known:
                allowed = (
                    f"Known here: {', '.join(sorted(known))}." if known else "None is known here."
                )
                raise InvalidParameter(f"The query parameter {name[:100]!r} is not known", allowed)
            if len(self._given.getall(name)) > (MAX_VALUES if name in self._filterable else 1):
                raise InvalidParameter(
                    f"The query parameter {name!r} is given too often",
                    f"A filter takes up to {MAX_VALUES} values, each of which will do; any other"
                    " parameter takes one.",
                )

    def limit(self) -> int:
        return self._number("limit", DEFAULT_LIMIT, 1, MAX_LIMIT)

    def offset(self) -> int:
        return self._number("offset", 0, 0, MAX_OFFSET)

    def _number(self, name: str, default: int, low: int, high: int) -> int:
        text = self._given.get(name)
        if text is None:
            return default
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
        if not low <= value <= high:
            raise _illegal(name, text, f"It takes a whole number from {low} to {high}.")
        return value

    def flag(self, name: str) -> bool:
        text = self._given.get(name, "false")
        if text not in ("true", "false"):
            raise _illegal(name, text, "It takes true or false.")
        return text == "true"

    def select(self) -> tuple[Selection, tuple[str, ...]]:
        """What `select` has answers show of items, and which summaries beside them.

        It adds to what is shown without it, and leaves out of that.

        A name in double quotes may hold commas, and begin with a hyphen that leaves nothing out.

        Where a name is given twice, the last one counts. A name that is both a field and a summary
        means the summary where it is added, and the field where it is left out.
        """
        resource, named = self._resource, self._given.get("select")
        if resource is None or named is None:
            return EVERY_FIELD if resource is None else resource.selection, ()
        added: dict[str, bool] = {}
        for part in filter(None, (part[0].strip() for part in _PART.finditer(named))):
            name = part.removeprefix("-")
            added[name[1:-1] if _QUOTED.fullmatch(name) else name] = not part.startswith("-")
        fields = [field.data_key for field in resource.fields if field.shown]
        known = dict.fromkeys([META, *fields, *resource.summaries])
        for name in added:
            if name not in known:
                raise InvalidParameter(
                    f"The query parameter 'select' cannot name {name[:100]!r}",
                    f"It takes {', '.join(map(_quoted, known))}; a hyphen before a name leaves it "
                    "out.",
                )
        default = resource.selection
        hidden = frozenset(
            name for name in fields if not added.get(name, name not in default.hidden)
        )
        selection = Selection(meta=added.get(META, default.meta), hidden=hidden)
        return selection, tuple(name for name in resource.summaries if added.get(name))

    def matching(self) -> str | None:
        """The schema field that `matching` names; None for the key."""
        name, resource = self._given.get("matching"), self._resource
        if name is None or resource is None or name == resource.key.data_key:
            return None
        found = resource.by_data_key.get(name)
        if found is None or not resource.may_match(found):
            wanted = "It takes a scalar field of the collection that clients send and see."
            raise _illegal("matching", name, wanted)
        return found.name

    def filters(self) -> tuple[tuple[StoredField, Sequence[Any]], ...]:
        """The fields that are filtered by, each with the values of which one will do."""
        fields = {"batch": WRITTEN_BY, **self._filterable} if self._resource else {}
        return tuple(
            (field, tuple(_value("filter", field, text) for text in self._given.getall(name)))
            for name, field in fields.items()
            if name in self._given
        )

    def schema_for(self) -> Kind:
        """What of the collection a schema is wanted of."""
        text = self._given.get("for")
        if text is None or "for" in self._filterable:
            return Kind.CREATE
        if text not in frozenset(Kind):
            raise _illegal("for", text, f"It takes one of {', '.join(Kind)}.")
        return Kind(text)

    def batches(self) -> BatchFilter:
        """What the batches of a list of batches have in common."""
        if self._resource is not None:
            return ALL_BATCHES
        key, state = self._given.get("idempotencyKey"), self._given.get("state")
        if key is not None and not _KEY.fullmatch(key):
            raise _illegal("idempotencyKey", key, "It takes 1 to 255 visible ASCII characters.")
        if state is not None and state not in frozenset(BatchState):
            raise _illegal("state", state, f"It takes one of {', '.join(BatchState)}.")
        return BatchFilter(
            key=key,
            state=None if state is None else BatchState(state),
            collection=self._read("collection", _collection, "It takes the name of a collection."),
            since=self._read("since", _moment, "It takes a time such as 2026-11-22T10:00:00Z."),
            after=self._read("after", UUID, "It takes the id of a batch: `metadata.next`."),
        )

    def _read(self, name: str, read: Callable[[str], _Read], wanted: str) -> _Read | None:
        text = self._given.get(name)
        try:
            return None if text is None else read(text)
        except (ValueError, OverflowError):
            raise _illegal(name, text or "", wanted) from None

    def after(self) -> Any:
        """The key behind which a list goes on; None for its beginning."""
        text, resource = self._given.get("after"), self._resource
        if text is None or resource is None:
            return None
        return _value("parameter 'after' of the key", resource.key, text)


def _collection(text: str) -> str:
    """The name of a collection that there is, or was."""
    if not _COLLECTION.fullmatch(text):
        raise ValueError(text)
    return text


def _moment(text: str) -> dt.datetime:
    """A time in ISO 8601; in UTC where it has no offset."""
    read = dt.datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)


def _quoted(name: str) -> str:
    """A name as `select` takes it."""
    return f'"{name}"' if "," in name or name != name.strip().removeprefix("-") else name


def _value(what: str, stored: StoredField, text: str) -> Any:
    try:
        return parse(stored.field, stored.type, text)
    except ValueError as error:
        choices = shown_choices(stored.field)
        raise InvalidParameter(
            f"The {what} {stored.data_key!r} cannot be {text[:100]!r}",
            f"Its values are {', '.join(choices)}."
            if choices
            else f"Its values are of type {stored.type.value}.",
        ) from error


def _illegal(name: str, text: str, wanted: str) -> InvalidParameter:
    return InvalidParameter(f"The query parameter {name!r} cannot be {text[:100]!r}", wanted)
