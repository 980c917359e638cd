"""Objects of the user's that a schema loads items into, field by field.

Such an object cannot be stored. What is: its attributes, in the columns that can hold them, and
what its dump shows before `post_dump` hooks have seen it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import EXCLUDE, ValidationError, missing
from marshmallow.decorators import POST_DUMP, PRE_DUMP

from ingest.resources.columns import ColumnType, NotStorable, converter
from ingest.resources.dumping import DUMPING, overridden, shows_itself
from ingest.resources.exact import NotExact, json_form
from ingest.resources.resource import Resource, StoredField


class Unreadable(Exception):
    """What the schema dumps for `field` cannot be read back by it."""

    def __init__(self, stored: StoredField) -> None:
        super().__init__(stored.name)
        self.field = stored


@dataclass(slots=True)
class Taken:
    """What is stored of an object."""

    values: dict[str, Any] = field(default_factory=dict)
    """By column: the loaded value of a scalar, the JSON of anything else."""
    shown: dict[str, Any] = field(default_factory=dict)
    """By column: what the object shows, where the column would show something else."""
    others: dict[str, Any] = field(default_factory=dict)
    """What it shows and is no field's."""


class ObjectReader:
    """Takes apart the objects of one resource, and shows what was stored of them."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._schema = resource.schema
        self._dumps_in_its_own_way = bool(overridden(resource.schema, DUMPING))
        self._loaded = {id(each) for each in resource.schema.load_fields.values()}
        self.fields = [each for each in resource.fields if not resource.makes(each)]

    def take(self, loaded: Any, item: Mapping[str, Any], *, sparse: bool, partial: bool) -> Taken:
        """What is stored of an object that an item was loaded into.

        Args:
            sparse: it may change a stored item. What is computed is forgotten then: it is computed
                anew when it is shown.
            partial: only of the fields that the item carries.

        Raises:
            Unreadable: an attribute does not fit its column, nor does what is shown of it.
        """
        dumped = self._dumped(loaded)
        taken = Taken()
        for each in self.fields:
            if sparse and self.computes(each):
                taken.values[each.column] = None
            elif each.data_key in item or not partial:
                self._take_field(each, loaded, dumped, taken)
        known = {each.data_key for each in self.fields}
        taken.others = {name: value for name, value in dumped.items() if name not in known}
        return taken

    def computes(self, each: StoredField) -> bool:
        """Whether a field is shown and never loaded."""
        return each.shown and id(each.field) not in self._loaded

    def again(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """What the object shows that is loaded from a document that another one has shown."""
        sent = {
            each.data_key: document[each.data_key]
            for each in self.fields
            if each.data_key in document and not self.computes(each)
        }
        return self._dumped(self._schema.load(sent, unknown=EXCLUDE))

    def finished(self, document: dict[str, Any]) -> Any:
        """The document after the hooks that see it last."""
        if self._dumps_in_its_own_way or not self._schema._hooks[POST_DUMP]:
            return document
        return self._schema._invoke_dump_processors(
            POST_DUMP, document, many=False, original_data=document
        )

    def _dumped(self, loaded: Any) -> dict[str, Any]:
        if self._dumps_in_its_own_way:
            shown: dict[str, Any] = self._schema.dump(loaded)
            return shown
        if self._schema._hooks[PRE_DUMP]:
            loaded = self._schema._invoke_dump_processors(
                PRE_DUMP, loaded, many=False, original_data=loaded
            )
        return dict(self._schema._serialize(loaded, many=False))

    def _take_field(
        self, each: StoredField, loaded: Any, dumped: Mapping[str, Any], taken: Taken
    ) -> None:
        value = self._schema.get_attribute(loaded, each.source, missing)
        shown = dumped.get(each.data_key, missing)
        if shown is missing:
            if value is not missing and not self.computes(each):
                taken.values[each.column] = value
            return
        if each.type is ColumnType.JSONB:
            taken.values[each.column] = json_form(shown)
            return
        stored = value if _fits(each, value) else _read_back(each, shown)
        taken.values[each.column] = stored
        if not _shows(each, stored, shown):
            taken.shown[each.column] = json_form(shown)


def _fits(each: StoredField, value: Any) -> bool:
    if value is missing:
        return False
    try:
        if value is not None:
            converter(each.type)(value)
    except NotStorable as refused:
        return refused.of_class is None  # else it is refused for what it is
    return True


def _read_back(each: StoredField, shown: Any) -> Any:
    if shown is None:
        return None
    try:
        return each.field.deserialize(shown)
    except ValidationError as error:
        raise Unreadable(each) from error


def _shows(each: StoredField, stored: Any, shown: Any) -> bool:
    """Whether the field alone shows the same of what is stored."""
    if not shows_itself(each.field):
        return False
    if stored is None:
        return shown is None and bool(each.field.allow_none)
    try:
        return bool(json_form(each.field._serialize(stored, each.name, {})) == json_form(shown))
    except (NotExact, ArithmeticError, AttributeError, TypeError, ValueError):
        return False
