"""Whether a collection takes a mended item: its own validation says so."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from typing import Any

from ingest.digest.marks import ABSENT
from ingest.digest.places import Places
from ingest.digest.shown import shortened
from ingest.model import Action, ItemError, Options
from ingest.resources.records import InvalidItem, RecordWriter
from ingest.resources.resource import Resource
from ingest.validation.engine.record_functions import Accept, generate_accept
from ingest.validation.items import ItemValidator
from ingest.validation.received import count_values

MAX_VALUES = 2_000
"""An item of more values is not mended: to validate it takes long."""

Key = tuple[int, str | None, str]
"""What failures are grouped by: code, place, and rule."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is left of the errors of an item that was mended."""

    clean: Collection[str]
    """The fields that changed and are all right now."""
    left: Set[Key] | None = None
    """All that is wrong with the item, where that had to be found out."""
    is_clean: bool = True
    """Whether they are all that changed."""


class Proof:
    """Validates items as those of one write to a resource."""

    def __init__(self, resource: Resource, action: Action, options: Options) -> None:
        self._places = Places(resource)
        self._validator = ItemValidator(resource, action, options)
        self._groups = options.groups if action is Action.CREATE else ()
        self._key = resource.key.data_key
        self._needed = {
            each.data_key
            for each in resource.fields
            if each.field.required or each is resource.identity(options.matching)
        }
        # Without hooks, what is wrong with one field says nothing of another: so those that changed
        # are looked at by themselves, for a tenth of what it takes to explain a bad item.
        self._accept = generate_accept(
            resource,
            RecordWriter(resource, action, options),
            frozenset(resource.schema.load_fields),
        )

    def key(self, error: ItemError) -> Key:
        """What an error is grouped by."""
        return error.code.code, self._places.find(error.field).like, shortened(error.message)

    def look(
        self, item: dict[str, Any], mended: dict[str, Any], changes: Sequence[str] | None = None
    ) -> Verdict:
        """What is left of the errors of an item.

        Args:
            item: as it was received.
            mended: a copy with other values.
            changes: the fields with another value, where they are known.
        """
        changed = changes or [
            name
            for name in {**item, **mended}
            if item.get(name, ABSENT) is not mended.get(name, ABSENT)
        ]
        if self._accept is not None and self._is_clean(self._accept, changed, mended):
            return Verdict(changed)
        errors = self.errors(mended)
        wrong = {self._places.find(error.field).steps[:1] for error in errors}
        clean = [name for name in changed if (name,) not in wrong]
        return Verdict(clean, {*map(self.key, errors)}, len(clean) == len(changed))

    def errors(self, item: Any) -> list[ItemError]:
        """All that is wrong with an item."""
        try:
            self._validator.check(0, item, None, self._groups)
        except InvalidItem as invalid:
            return [*invalid.errors]
        return []

    def accepts(self, item: dict[str, Any]) -> bool:
        """Whether nothing is wrong with an item."""
        accept = self._validator.accept
        if accept is not None and not self._groups and accept(0, item, None) is not None:
            return not _holds_nul(item)
        return not self.errors(item)

    def _is_clean(self, accept: Accept, changed: Sequence[str], mended: dict[str, Any]) -> bool:
        part = {}
        for name in changed:
            if name in mended:
                part[name] = mended[name]
            elif name in self._needed:
                return False
        if self._key in mended:
            part[self._key] = mended[self._key]
        return accept(0, part, None) is not None and not any(map(_holds_nul, part.values()))


def _holds_nul(value: Any) -> bool:
    """Whether a text has what PostgreSQL does not take, and `accept` leaves to the encoder."""
    if type(value) is str:
        return "\0" in value or not (value.isascii() or _is_encodable(value))
    if isinstance(value, dict):
        return any(_holds_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(map(_holds_nul, value))


def _is_encodable(text: str) -> bool:
    """Whether a text has no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_mendable(item: Any) -> bool:
    """Whether an item is looked at: an object that is not too large."""
    if type(item) is not dict:
        return False
    if len(item) < MAX_VALUES and not any(type(each) in (dict, list) for each in item.values()):
        return True
    return count_values(item, MAX_VALUES) <= MAX_VALUES
