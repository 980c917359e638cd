"""A field as JSON Schema: of what clients send for it, and of what GET shows.

What is sent is described in its canonical form, the one that GET shows; marshmallow may take more,
such as "5" for a number. What code of the user's decides is left open, and said so.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol

from marshmallow import fields

from ingest.describe import moments, numbers, rules, texts
from ingest.describe.about import about
from ingest.describe.choices import choices, constant, truth
from ingest.describe.defaults import odd_defaults
from ingest.describe.notes import NOTES, either, noted, or_null, together
from ingest.describe.own_code import ANYTHING, DECIDES, LOADS, PREPARES, SHOWS, Part, changes
from ingest.describe.rules import Form
from ingest.resources.dumping import shows_in_its_own_way
from ingest.validation.engine.known import field_class
from ingest.validation.engine.source import Uncompiled

Schema = dict[str, Any]


class Nesting(Protocol):
    """Where the schemas of nested values are described."""

    def nested(self, field: fields.Nested, place: "Place") -> Schema:
        """A nested value, or a list of them where it is many."""

    def plucked(self, field: fields.Pluck, place: "Place") -> Schema:
        """The one field that stands for a nested value, or a list of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands."""

    shown: bool
    """Whether GET shows what is described; else clients send it."""
    top: bool
    """Whether it has a column of its own."""
    partial: bool | frozenset[str] | None
    """What may be missing, as marshmallow's `partial` says it."""
    nesting: Nesting

    def inside(self) -> "Place":
        return Place(self.shown, False, self.partial, self.nesting)


def property_of(field: fields.Field[Any], place: Place) -> Schema:
    """A field of a schema, with what its declaration says about it."""
    said = described(field, place)
    nothing = place.shown and (
        field.dump_only or field.load_default is None or field.dump_default is None
    )
    if nothing and not field.allow_none:
        said = or_null(said)
    return {**about(field, shown=place.shown), **said}


def key_property(field: fields.Field[Any], place: Place) -> Schema:
    """The field that is the key, which is never null."""
    return {**about(field, shown=place.shown), **described(never_null(field), place)}


def never_null(field: fields.Field[Any]) -> fields.Field[Any]:
    """A copy of a field that does not take null."""
    other = copy(field)
    other.allow_none = False
    return other


def described(field: fields.Field[Any], place: Place) -> Schema:
    """What the values of a field are."""
    said = _shown(field, place) if place.shown else _sent(field, place)
    said = or_null(said) if field.allow_none else _not_null(said)
    if _kind(field) is None or field.pre_load or field.post_load:
        return said
    odd = odd_defaults(field, is_shown=place.shown)
    return either(said, {"enum": odd}) if odd else said


def _shown(field: fields.Field[Any], place: Place) -> Schema:
    if shows_in_its_own_way(field) or field.post_load:
        return noted({}, SHOWS)
    kind = _kind(field)
    if kind is None:
        theirs = next(each for each in type(field).__mro__ if each in _KINDS)
        return _KINDS[theirs](field, place).said
    return _KINDS[kind](field, place).said


def _sent(field: fields.Field[Any], place: Place) -> Schema:
    kind = _kind(field)
    if kind is None:
        return noted({}, LOADS)
    value = _KINDS[kind](field, place)
    asked = [] if value.tried else rules.described(field, value.form, value.inner)
    said = together([value.said, *asked])
    if value.rounds and field.validators:
        said = noted(said, value.rounds)
    if field.post_load:
        said = noted(said, DECIDES)
    if field.pre_load:
        return {**noted({}, PREPARES), NOTES: {"rules": [PREPARES], "prepared": said}}
    return said


def _kind(field: fields.Field[Any]) -> type | None:
    """The class of marshmallow's that a field loads like; None for code of the user's."""
    try:
        return field_class(field, frozenset(_KINDS))
    except Uncompiled:
        return None


def _not_null(said: Schema) -> Schema:
    """A schema of values that are not null: what says nothing of its type takes null, too."""
    open_ = not said.keys() & {"type", "enum", "const", "anyOf", "$ref"}
    own = any(rule in (PREPARES, LOADS, SHOWS) for rule in said.get(NOTES, {}).get("rules", ()))
    return {"type": ANYTHING, **said} if open_ and not own else said


@dataclass(frozen=True, slots=True)
class Value:
    """The values of a field, before its validators."""

    said: Schema
    form: Form = Form.OTHER
    inner: Form = Form.OTHER
    """Of a list: the form of its elements."""
    rounds: str = ""
    """What happens to a value before the validators see it."""
    tried: bool = False
    """Whether its validators have been tried on each value already."""


_Describe = Callable[[Any, Place], Value]


def _string(_: Any, __: Place) -> Value:
    return Value({"type": "string"}, Form.TEXT)


def _url(field: fields.Url, place: Place) -> Value:
    if not place.shown:
        return _string(field, place)
    return Value({"type": "string", "format": "uri-reference" if field.relative else "uri"})


def _email(field: Any, place: Place) -> Value:
    return Value({"type": "string", "format": "email"}) if place.shown else _string(field, place)


def _text(pattern: str, format_: str | None = None, rule: str | None = None) -> _Describe:
    """What describes texts of one form."""
    said: Schema = {"type": "string", "pattern": pattern}
    if format_ is not None:
        said = {"type": "string", "format": format_, "pattern": pattern}

    def describe(_: Any, place: Place) -> Value:
        return Value(said if rule is None or place.shown else noted(said, rule))

    return describe


def _integer(field: fields.Integer, place: Place) -> Value:
    said = numbers.integer(field, shown=place.shown)
    return Value(said, Form.INTEGER if said["type"] == "integer" else Form.DIGITS)


def _float(field: fields.Float, place: Place) -> Value:
    said = numbers.floating(field, shown=place.shown)
    return Value(said, Form.DOUBLE if said["type"] == "number" else Form.EITHER)


def _decimal(field: fields.Decimal, place: Place) -> Value:
    said, rounds = numbers.decimal(field, shown=place.shown), numbers.rounds(field)
    with_texts = Form.EITHER if rounds else Form.DIGITS
    return Value(said, Form.DECIMAL if said["type"] == "number" else with_texts, rounds=rounds)


def _moment(field: Any, place: Place) -> Value:
    return Value(moments.described(field, shown=place.shown, top=place.top))


def _duration(field: fields.TimeDelta, place: Place) -> Value:
    return Value(moments.duration(field))


def _list(field: fields.List[Any], place: Place) -> Value:
    said = {"type": "array", "items": described(field.inner, place.inside())}
    return Value(said, Form.LIST, _form_inside(field.inner, place))


def _form_inside(field: fields.Field[Any], place: Place) -> Form:
    """What the values in a container are when its validators see them."""
    kind = _kind(field)
    if kind not in _SCALARS or field.pre_load or field.post_load:
        return Form.OTHER
    return _KINDS[kind](field, place.inside()).form


def _tuple(field: fields.Tuple, place: Place) -> Value:
    parts = [described(each, place.inside()) for each in field.tuple_fields]
    said: Schema = {"type": "array", "minItems": len(parts), "maxItems": len(parts)}
    return Value({**said, "prefixItems": parts} if parts else said, Form.LIST)


def _dict(field: fields.Dict, place: Place) -> Value:
    said: Schema = {"type": "object"}
    if field.key_field is not None and not place.shown:
        said = _names(said, field.key_field, place)
    if field.value_field is not None:
        said["additionalProperties"] = described(field.value_field, place.inside())
    key = field.key_field
    # Two names may be read as the same key.
    as_sent = key is None or _form_inside(key, place) is Form.TEXT
    return Value(said, Form.OBJECT if as_sent else Form.OTHER)


def _names(said: Schema, field: fields.Field[Any], place: Place) -> Schema:
    """The names in an object: texts, whatever they are loaded as."""
    names = described(field, place.inside())
    if names.get("type") == "string":
        return {**said, "propertyNames": names}
    return noted(said, f"Each name is read as {type(field).__name__} reads it.")


def is_many(field: fields.Nested) -> bool:
    """Whether a nested value is a list."""
    return bool(field.schema.many or field.many)


def _nested(field: fields.Nested, place: Place) -> Value:
    # Of one object, what is loaded may have more members than what is sent, or fewer.
    as_sent = is_many(field) and not changes(field.schema, Part.LIST)
    return Value(place.nesting.nested(field, place), Form.LIST if as_sent else Form.OTHER)


def _pluck(field: fields.Pluck, place: Place) -> Value:
    return Value(place.nesting.plucked(field, place))


def _open(_: Any, __: Place) -> Value:
    return Value({})


def _function(field: Any, place: Place) -> Value:
    reads = getattr(field, "deserialize_func", None) or getattr(
        field, "deserialize_method_name", None
    )
    if place.shown:
        return Value(noted({}, SHOWS))
    return Value(noted({}, LOADS) if reads else {})


def _tried(describe: Callable[[Any, bool], Schema]) -> _Describe:
    """What describes values that are listed, each of which has been tried."""
    return lambda field, place: Value(describe(field, place.shown), tried=True)


_KINDS: dict[type, _Describe] = {
    fields.String: _string,
    fields.Email: _email,
    fields.Url: _url,
    fields.UUID: _text(texts.UUID, "uuid"),
    fields.Integer: _integer,
    fields.Float: _float,
    fields.Decimal: _decimal,
    fields.Boolean: _tried(truth),
    fields.Enum: _tried(choices),
    fields.Constant: _tried(constant),
    fields.DateTime: _moment,
    fields.NaiveDateTime: _moment,
    fields.AwareDateTime: _moment,
    fields.Date: _moment,
    fields.Time: _moment,
    fields.TimeDelta: _duration,
    fields.IP: _text(texts.IP, None, "An IP address."),
    fields.IPv4: _text(texts.IPV4, "ipv4"),
    fields.IPv6: _text(texts.IPV6, "ipv6", "An IPv6 address."),
    fields.IPInterface: _text(texts.IP_INTERFACE, None, "An IP address, with its network."),
    fields.IPv4Interface: _text(texts.IPV4_INTERFACE),
    fields.IPv6Interface: _text(texts.IPV6_INTERFACE, None, "An IPv6 address and its network."),
    fields.List: _list,
    fields.Tuple: _tuple,
    fields.Dict: _dict,
    fields.Nested: _nested,
    fields.Pluck: _pluck,
    fields.Raw: _open,
    fields.Field: _open,
    fields.Function: _function,
    fields.Method: _function,
}
_SCALARS = frozenset({fields.String, fields.Email, fields.Url, fields.Integer, fields.Float})
