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
from ingest.resources.dumping import DUMPING, overridden, showing_stored, shows_itself
from ingest.resources.exact import NotExact, json_form
from ingest.resources.layout import StoredField
from ingest.resources.resource import Resource


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
        own = bool(overridden(resource.schema, set(DUMPING) - {"get_attribute"}))
        self._dumps_whole = own and not resource.schema.fields
        """Whether there are no fields to look at, as in schemas that choose another one."""
        self._dumps_anew = own and not self._dumps_whole
        """Whether only its dump can say what becomes of the fields."""
        self._hooks_see_it = any(
            options.get("pass_original") for *_, options in self._schema._hooks[POST_DUMP]
        )
        self._loaded = {id(each) for each in resource.schema.load_fields.values()}
        self.fields = [each for each in resource.fields if not resource.makes(each)]

    def take(self, loaded: Any, sent: Mapping[str, Any], *, sparse: bool, partial: bool) -> Taken:
        """What is stored of an object that an item was loaded into.

        Args:
            sent: what its fields were loaded from.
            sparse: it may change a stored item. What is computed is forgotten then: it is computed
                anew when it is shown.
            partial: only of the fields that the item carries.

        Raises:
            Unreadable: an attribute does not fit its column, nor does what is shown of it.
        """
        dumped = self._dumped_of(loaded, sent) if partial else self._dumped(loaded)
        taken = Taken()
        for each in self.fields:
            if sparse and self.computes(each):
                taken.values[each.column] = None
            elif each.data_key in sent or not partial:
                self._take_field(each, loaded, dumped, sent, taken)
        known = {each.data_key for each in self.fields}
        taken.others = {name: value for name, value in dumped.items() if name not in known}
        return taken

    def computes(self, each: StoredField) -> bool:
        """Whether a field is shown and never loaded."""
        return each.shown and id(each.field) not in self._loaded

    def again(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """What the object shows that is loaded from a document that another one has shown."""
        return self._dumped(self._loaded_from(document))

    def finished(self, document: dict[str, Any], shown: Mapping[str, Any]) -> Any:
        """The document after the code that sees it last.

        Args:
            shown: what of it the object has shown; the rest is null because it holds nothing.
        """
        if self._dumps_anew:
            stored = {f.name: document[f.data_key] for f in self.fields if f.data_key in document}
            return showing_stored(self._schema, stored).dump(self._loaded_from(shown))
        if self._dumps_whole or not self._schema._hooks[POST_DUMP]:
            return document
        original = self._loaded_from(shown) if self._hooks_see_it else document
        return self._schema._invoke_dump_processors(
            POST_DUMP, document, many=False, original_data=original
        )

    def _loaded_from(self, document: Mapping[str, Any]) -> Any:
        sent = {
            each.data_key: document[each.data_key]
            for each in self.fields
            if each.data_key in document and not self.computes(each)
        }
        try:
            return self._schema.load(sent, unknown=EXCLUDE)
        except ValidationError as refused:  # a default need not be one that may be sent
            taken = {name: sent[name] for name in sent.keys() - refused.messages_dict.keys()}
            return self._schema.load(taken, unknown=EXCLUDE)

    def _dumped(self, loaded: Any) -> dict[str, Any]:
        if self._dumps_whole:
            shown: dict[str, Any] = self._schema.dump(loaded)
            return shown
        return dict(self._schema._serialize(self._prepared(loaded), many=False))

    def _dumped_of(self, loaded: Any, sent: Mapping[str, Any]) -> dict[str, Any]:
        """What the object shows of the fields that were sent: of others it may have nothing."""
        if self._dumps_whole:
            return self._dumped(loaded)
        prepared = self._prepared(loaded)
        shown = {
            each.data_key: each.field.serialize(
                each.name, prepared, accessor=self._schema.get_attribute
            )
            for each in self.fields
            if each.data_key in sent and each.shown
        }
        return {name: value for name, value in shown.items() if value is not missing}

    def _prepared(self, loaded: Any) -> Any:
        if not self._schema._hooks[PRE_DUMP]:
            return loaded
        return self._schema._invoke_dump_processors(
            PRE_DUMP, loaded, many=False, original_data=loaded
        )

    def _take_field(
        self,
        each: StoredField,
        loaded: Any,
        dumped: Mapping[str, Any],
        sent: Mapping[str, Any],
        taken: Taken,
    ) -> None:
        value = self._schema.get_attribute(loaded, each.source, missing)
        shown = dumped.get(each.data_key, missing)
        if shown is missing:
            if value is not missing and not self.computes(each):
                taken.values[each.column] = value
            return
        if each.type is ColumnType.JSONB:
            taken.values[each.column] = json_form(shown)
        else:
            taken.values[each.column] = value if _fits(each, value) else _read_back(each, shown)
        # Nothing, and null that was sent, are not the same to the user's code.
        null = shown is None and each.data_key in sent
        if null or not (
            each.type is ColumnType.JSONB or _shows(each, taken.values[each.column], shown)
        ):
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
