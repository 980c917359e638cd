"""Fields of few values: each value that the field takes is listed, and has been tried."""

import enum
from collections.abc import Iterable
from typing import Any

from marshmallow import ValidationError, fields, validate

from ingest.describe import rules
from ingest.describe.notes import noted, together
from ingest.describe.numbers import FRACTION
from ingest.describe.values import NoForm, as_json, shown

Schema = dict[str, Any]

_LARGEST = 2**53
"""Of the integers that doubles hold without gaps."""

_OWN = tuple(
    getattr(validate, name)
    for name in ("And", "Length", "Range", "Regexp", "OneOf", "NoneOf", "Equal", "ContainsOnly")
)


def truth(field: fields.Boolean, is_shown: bool) -> Schema:
    """true and false; words where a declaration has its own."""
    if is_shown:
        return {"type": "boolean"}
    taken = _taken(field, own_words(field) or [True, False])
    said = {"type": "boolean"} if taken == [True, False] else rules.one_of(taken)
    return together([said, *_untried(field)])


def own_words(field: fields.Boolean) -> list[str | int]:
    """What stands for true and false where a declaration says it; nothing where it does not."""
    own = "truthy" in vars(field) or "falsy" in vars(field) or type(field) is not fields.Boolean
    if not own or not field.truthy:  # without words for true, any value is one
        return []
    words = field.truthy | field.falsy
    others = [each for each in words if isinstance(each, str | int) and type(each) is not bool]
    return [*(each for each in (True, False) if each in words), *sorted(others, key=str)]


def choices(field: fields.Enum[Any], is_shown: bool) -> Schema:
    """The members of an enum, as the field shows them."""
    if issubclass(field.enum, enum.Flag) and field.by_value:
        return noted({}, f"A combination of {field.choices_text}.")
    names = list(field.enum.__members__) if not field.by_value and not is_shown else []
    forms = [*_forms(field), *names]
    taken = [each for each in forms if each is not None] if is_shown else _taken(field, forms)
    said = rules.one_of(_distinct(taken))
    if taken and all(isinstance(each, str) for each in taken):
        said = {"type": "string", **said}
    if is_shown:
        return said
    if any(not _taken(field, [float(each)]) for each in taken if _is_whole(each)):
        said = noted(said, FRACTION)
    return together([said, *_untried(field)])


def _is_whole(value: Any) -> bool:
    """Whether it is an integer that may be written with a point."""
    return type(value) is int and abs(value) <= _LARGEST


def _forms(field: fields.Enum[Any]) -> list[Any]:
    found = []
    for member in field.enum:
        try:
            found.append(shown(field, member))
        except NoForm:
            continue
    return found


def constant(field: fields.Constant[Any], is_shown: bool) -> Schema:
    """The one value, as which anything is loaded."""
    try:
        said: Schema = {"const": as_json(field.constant)}
    except NoForm:
        said = {}
    if is_shown:
        return said
    if field.constant is None and not field.allow_none:
        said = {}  # anything else is loaded as null, and null is refused
    if not _taken(field, [0]):
        said = {"not": {}}
    return together([said, *_untried(field)])


def _taken(field: fields.Field[Any], forms: Iterable[Any]) -> list[Any]:
    """Those of some values that the field loads, by marshmallow's own validators."""
    checks = [each for each in rules.flat(field.validators) if _is_own(each)]
    found = []
    for form in forms:
        try:
            loaded = field._deserialize(form, field.name, {})
            for check in checks:
                check(loaded)
        except (ValidationError, ArithmeticError, LookupError, TypeError, ValueError):
            continue
        if form is not None:
            found.append(form)
    return _distinct(found)


def _untried(field: fields.Field[Any]) -> list[Schema]:
    """Validators of the user's own, in words."""
    own = [each for each in rules.flat(field.validators) if not _is_own(each)]
    return [noted({}, rules.words(each)) for each in own]


def _is_own(validator: Any) -> bool:
    return isinstance(validator, _OWN) and type(validator).__module__ == validate.__name__


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Values once each; true and 1 are two."""
    return list({(type(each), repr(each)): each for each in values}.values())
