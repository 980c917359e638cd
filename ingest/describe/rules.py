"""Validators of a field as keywords of JSON Schema; what these cannot say, in words."""

import inspect
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from decimal import Decimal
from enum import StrEnum
from typing import Any

from marshmallow import fields, validate

from ingest.describe.addresses import email, url
from ingest.describe.notes import noted
from ingest.describe.patterns import Untranslatable, matching_start, one_of_characters
from ingest.describe.ranges import bounded
from ingest.describe.values import NoForm, nearest, numbers, texts
from ingest.errors import encodable
from ingest.validation.engine.long_texts import own_parts

Schema = dict[str, Any]


class Form(StrEnum):
    """What values are in JSON, where two of them are equal just where JSON's are."""

    TEXT = "text"
    INTEGER = "integer"
    DOUBLE = "double"
    DECIMAL = "decimal"
    EITHER = "either"
    """Numbers, and texts that stand for them, of which keywords for numbers say nothing."""
    DIGITS = "digits"
    """The same, where the texts have no exponent and are not rounded."""
    LIST = "list"
    OBJECT = "object"
    OTHER = "other"
    """Texts that stand for something, and values of several kinds: rules on them are told in
    words."""


_LENGTHS = {
    Form.TEXT: ("minLength", "maxLength"),
    Form.LIST: ("minItems", "maxItems"),
    Form.OBJECT: ("minProperties", "maxProperties"),
}
_NUMBERS = (Form.INTEGER, Form.DOUBLE, Form.DECIMAL)
_WITH_TEXTS = (Form.EITHER, Form.DIGITS)
_HOLDS = {"min": (operator.gt, operator.ge), "max": (operator.lt, operator.le)}


def flat(validators: Iterable[Any]) -> Iterator[Any]:
    """Validators, with those that `And` joins in its place."""
    for each in validators:
        if _is(each, validate.And):
            yield from flat(each.validators)
        else:
            yield each


def described(field: fields.Field[Any], form: Form, inner: Form = Form.OTHER) -> Iterator[Schema]:
    """What each validator of a field asks.

    Args:
        inner: of a list, that of its elements.
    """
    for each in flat(field.validators):
        write = next((write for kind, write in _WRITERS if _is(each, kind)), None)
        said = None if write is None else write(each, form, inner)
        yield said if said is not None else noted({}, words(each))


def words(validator: Any) -> str:
    """A validator in words."""
    own = next((write for kind, write in _WORDS if _is(validator, kind)), None)
    if own is not None:
        return own(validator)
    name = getattr(validator, "__qualname__", type(validator).__qualname__)
    said = inspect.getdoc(validator) if inspect.isroutine(validator) else None
    first = (said or "").partition("\n")[0].strip()
    name = name.rpartition(".")[2]
    return (
        f"A rule of the schema's own, {name}: {first}"
        if first
        else (f"A rule of the schema's own, {name}.")
    )


def _is(validator: Any, kind: type[Any]) -> bool:
    """Whether a validator asks just what a class of marshmallow's asks."""
    return isinstance(validator, kind) and type(validator).__call__ is kind.__call__


def _length(rule: Any, form: Form, _: Form) -> Schema | None:
    names = _LENGTHS.get(form)
    if names is None:
        return None
    least, most = (rule.min, rule.max) if rule.equal is None else (rule.equal, rule.equal)
    if most is not None and most < 0:
        return {"not": {}}
    found = {} if least is None or least <= 0 else {names[0]: least}
    return found if most is None else {**found, names[1]: most}


def _range(rule: Any, form: Form, _: Form) -> Schema | None:
    if form not in (*_NUMBERS, *_WITH_TEXTS):
        return None
    try:
        said = _bound("min", rule.min, rule.min_inclusive, form)
        said |= _bound("max", rule.max, rule.max_inclusive, form)
    except NoForm:
        return None
    if form is Form.DIGITS and (patterns := _patterns(rule)):
        said["allOf"] = patterns
    return noted(said, words(rule)) if form in _WITH_TEXTS else said


def _patterns(rule: Any) -> list[Schema]:
    """The bounds of a range for texts."""
    found = (
        bound is not None and bounded(bound, most=most, inclusive=inclusive)
        for bound, most, inclusive in (
            (rule.min, False, rule.min_inclusive),
            (rule.max, True, rule.max_inclusive),
        )
    )
    return [{"pattern": each} for each in found if each]


def _bound(side: str, bound: Any, inclusive: bool, form: Form) -> Schema:
    """One bound of a range.

    What JSON writes for it is read as the field reads it, and may then lie on either side of it:
    the decimal number 0.1 is less than the double 0.1.
    """
    if bound is None:
        return {}
    written = nearest(bound)
    taken = form in _WITH_TEXTS or _HOLDS[side][inclusive](_reader(form)(written), bound)
    return {f"{side}imum" if taken else f"exclusive{side.title()}imum": written}


def _reader(form: Form) -> Callable[[int | float], Any]:
    """How a field reads a number in JSON."""
    return float if form is Form.DOUBLE else lambda number: Decimal(str(number))


def _regexp(rule: Any, form: Form, _: Form) -> Schema | None:
    pattern = rule.regex.pattern
    if form is not Form.TEXT or not isinstance(pattern, str):
        return None
    try:
        found = matching_start(pattern, int(rule.regex.flags))
    except Untranslatable:
        return None
    said = {"pattern": found.pattern}
    if found.exact:
        return said
    return noted(
        said,
        "Characters beyond ASCII are taken only where Python's regular expression "
        f"{pattern} takes them.",
    )


def _email(rule: Any, form: Form, _: Form) -> Schema | None:
    return None if form is not Form.TEXT or own_parts(rule) else email()


def _url(rule: Any, form: Form, _: Form) -> Schema | None:
    return None if form is not Form.TEXT or own_parts(rule) else url(rule)


def _one_of(rule: Any, form: Form, _: Form) -> Schema | None:
    found = _equal_to(rule.choices, form)
    return None if found is None else one_of(found)


def _none_of(rule: Any, form: Form, _: Form) -> Schema | None:
    found = _equal_to(rule.iterable, form)
    if found is None:
        return None
    return {"not": {"enum": found}} if found else {}


def _equal(rule: Any, form: Form, _: Form) -> Schema | None:
    found = _equal_to([rule.comparable], form)
    return None if found is None else one_of(found)


def one_of(values: list[Any]) -> Schema:
    """One of these values."""
    return {"enum": values} if values else {"not": {}}


def _contains_only(rule: Any, form: Form, inner: Form) -> Schema | None:
    if form is Form.TEXT:
        characters = _characters(rule.choices)
        if characters is None:
            return None
        return (
            {"pattern": f"^{one_of_characters(characters)}*$"} if characters else {"maxLength": 0}
        )
    if form is not Form.LIST:
        return None
    found = _equal_to(rule.choices, inner)
    if found is None:
        return None
    nulls = [None] if None in rule.choices else []
    return {"items": one_of([*found, *nulls])}


def _contains_none_of(rule: Any, form: Form, inner: Form) -> Schema | None:
    if form is Form.TEXT:
        characters = _characters(rule.iterable)
        if characters is None:
            return None
        return {"not": {"pattern": one_of_characters(characters)}} if characters else {}
    if form is not Form.LIST:
        return None
    found = _equal_to(rule.iterable, inner)
    if found is None:
        return None
    nulls = [None] if None in rule.iterable else []
    refused = [*found, *nulls]
    return {"items": {"not": {"enum": refused}}} if refused else {}


def _equal_to(values: Any, form: Form) -> list[Any] | None:
    """Those of some values that a value in JSON can be equal to; None where that cannot be told."""
    if isinstance(values, str) or not isinstance(values, Sequence | Set | Mapping):
        return None  # of a text, `in` finds parts
    if form is Form.TEXT:
        return texts(values)
    if form in _NUMBERS:
        found = numbers(values, _reader(form))
        return [each for each in found if form is not Form.INTEGER or isinstance(each, int)]
    return None


def _characters(values: Any) -> list[str] | None:
    """Those of some values that are one character which a text in UTF-8 may hold."""
    if not isinstance(values, Sequence | Set | Mapping):
        return None
    return sorted(each for each in texts(values) if len(each) == 1 and encodable(each) == each)


_Writer = Callable[[Any, Form, Form], Schema | None]
_WRITERS: tuple[tuple[type[Any], _Writer], ...] = (
    (validate.Length, _length),
    (validate.Range, _range),
    (validate.Regexp, _regexp),
    (validate.Email, _email),
    (validate.URL, _url),
    (validate.ContainsOnly, _contains_only),
    (validate.ContainsNoneOf, _contains_none_of),
    (validate.OneOf, _one_of),
    (validate.NoneOf, _none_of),
    (validate.Equal, _equal),
)


def _range_words(rule: Any) -> str:
    said = []
    if rule.min is not None:
        said.append(f"{'at least' if rule.min_inclusive else 'more than'} {rule.min}")
    if rule.max is not None:
        said.append(f"{'at most' if rule.max_inclusive else 'less than'} {rule.max}")
    return f"It is {' and '.join(said) or 'of any size'}."


def _length_words(rule: Any) -> str:
    if rule.equal is not None:
        return f"Its length is {rule.equal}."
    said = []
    if rule.min is not None:
        said.append(f"at least {rule.min}")
    if rule.max is not None:
        said.append(f"at most {rule.max}")
    return f"Its length is {' and '.join(said) or 'any'}."


_WORDS: tuple[tuple[type[Any], Callable[[Any], str]], ...] = (
    (validate.Length, _length_words),
    (validate.Range, _range_words),
    (validate.Regexp, lambda rule: f"It matches Python's regular expression {rule.regex.pattern}"),
    (validate.Email, lambda _: "It is an e-mail address."),
    (validate.URL, lambda _: "It is a URL."),
    (validate.ContainsOnly, lambda rule: f"Its parts are of: {rule.choices_text}."),
    (validate.ContainsNoneOf, lambda rule: f"None of its parts is one of: {rule.values_text}."),
    (validate.OneOf, lambda rule: f"It is one of: {rule.choices_text}."),
    (validate.NoneOf, lambda rule: f"It is none of: {rule.values_text}."),
    (validate.Equal, lambda rule: f"It equals {rule.comparable}."),
    (validate.Predicate, lambda rule: f"Its method {rule.method} says yes."),
)
