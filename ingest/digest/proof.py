"""Whether a collection takes a mended item: its own validation says so."""

from collections.abc import Callable, Collection, Sequence, Set
from dataclasses import dataclass
from typing import Any

from marshmallow import missing

from ingest.digest.marks import ABSENT
from ingest.digest.places import Places
from ingest.digest.shown import shortened
from ingest.model import Action, ItemError, Options
from ingest.resources.records import InvalidItem, RecordWriter
from ingest.resources.resource import Resource
from ingest.validation.engine.compiler import compile_exact
from ingest.validation.engine.record_functions import generate_accept
from ingest.validation.engine.source import FALLBACK
from ingest.validation.items import ItemValidator
from ingest.validation.received import count_values

MAX_VALUES = 2_000
"""An item of more values is not validated as a whole: that takes long."""

Key = tuple[int, str | None, str]
"""What failures are grouped by: code, place, and rule."""


TOO_LARGE: Key = (0, None, "too large to be looked at")


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
        finds = {resource.key.data_key, resource.identity(options.matching).data_key}
        # Without hooks, what is wrong with one field says nothing of another: so those that changed
        # are looked at by themselves, for a tenth of what it takes to explain a bad item.
        partial = frozenset(resource.schema.load_fields)
        writer = RecordWriter(resource, action, options)
        is_plain = generate_accept(resource, writer, partial) is not None
        self._load = compile_exact(resource.schema, partial) if is_plain else None
        self._alone = {
            each.field.data_key: each
            for each in writer.converters
            if each.field.data_key not in finds and not each.field.field.dump_only
        }

    def key(self, error: ItemError) -> Key:
        """What an error is grouped by."""
        return error.code.code, self._places.find(error.field).like, shortened(error.message)

    def look(
        self, item: Any, mended: dict[str, Any], changes: Sequence[str] | None = None
    ) -> Verdict:
        """What is left of the errors of an item.

        Args:
            item: as it was received: an object, or the cells of a row.
            mended: a copy with other values.
            changes: the fields with another value, where they are known.
        """
        is_row = type(item) is not dict
        changed = changes or [
            name
            for name in (mended if is_row else {**item, **mended})
            if is_row or item.get(name, ABSENT) is not mended.get(name, ABSENT)
        ]
        if not is_row and self._load is not None and self._are_right(self._load, changed, mended):
            return Verdict(changed)
        if count_values(mended, MAX_VALUES) > MAX_VALUES:
            return Verdict((), frozenset([TOO_LARGE]), is_clean=False)
        errors = self.errors(mended)
        wrong = {self._places.find(error.field).steps[:1] for error in errors}
        clean = [name for name in changed if (name,) not in wrong]
        return Verdict(clean, {*map(self.key, errors)}, len(clean) == len(changed))

    def takes(self, name: str, value: Any) -> bool:
        """Whether a value surely is right in a field, whatever else an item has."""
        part = {} if value is ABSENT else {name: value}
        return self._load is not None and self._are_right(self._load, (name,), part)

    def errors(self, item: dict[str, Any]) -> list[ItemError]:
        """All that is wrong with an item."""
        try:
            self._validator.check(0, item, None, self._groups)
        except InvalidItem as invalid:
            return [*invalid.errors]
        return []

    def _are_right(
        self, load: Callable[[Any], Any], changed: Sequence[str], mended: dict[str, Any]
    ) -> bool:
        """Whether nothing is wrong with fields, each of which is of no consequence to others."""
        part = {}
        for name in changed:
            converter = self._alone.get(name)
            if converter is None or (name not in mended and converter.field.field.required):
                return False
            if name in mended:
                part[name] = mended[name]
        loaded = load(part)
        if loaded is FALLBACK:
            return False
        try:
            for name in part:
                value = self._alone[name].value_of(loaded)
                if value is not missing:
                    self._alone[name].convert(value, loaded)
        except Exception:  # noqa: BLE001 - whatever it is, the whole item is looked at
            return False
        return True
