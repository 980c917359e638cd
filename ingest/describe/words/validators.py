"""Validators in words."""

from collections.abc import Callable, Iterator
from typing import Any

from marshmallow import fields, validate

from ingest.describe.rules import words
from ingest.describe.words.rule import BAD_FORMAT, Rule, each_shown, seen, shown

_INVALID = ("invalid",)
_UNITS = ((fields.String, "character"), (fields.Mapping, "entry"), (fields.Dict, "entry"))


def rules_of(validator: Any, field: fields.Field[Any]) -> Iterator[Rule]:
    """What a validator of a field asks for; what only its own code knows is named."""
    if isinstance(validator, validate.And):
        for each in validator.validators:
            yield from rules_of(each, field)
        return
    for kind, describe in _KNOWN:
        # What a subclass of the user's makes of it is not known.
        if type(validator) is kind:
            yield from describe(validator, field)
            return
    yield own_rule(validator)


def own_rule(code: Any) -> Rule:
    """A rule that only the user's own code knows."""
    return Rule(words(code), ("invalid", *_of_family(code)))


def _of_family(validator: Any) -> tuple[str, ...]:
    """The errors of a subclass of the user's, besides `invalid`."""
    for kind, error in _FAMILIES:
        if isinstance(validator, kind):
            return (error,)
    return ()


def _length(validator: validate.Length, field: fields.Field[Any]) -> Iterator[Rule]:
    unit = next((name for kind, name in _UNITS if isinstance(field, kind)), "element")
    low, high, equal = validator.min, validator.max, validator.equal
    if equal is not None:
        text = f"Exactly {_counted(equal, unit)}."
    elif low is not None and high is not None:
        text = f"{low} to {_counted(high, unit)}."
    elif low is not None:
        text = f"At least {_counted(low, unit)}."
    elif high is not None:
        text = f"At most {_counted(high, unit)}."
    else:
        return
    yield Rule(text, ("bad_length",))


def _counted(number: int, unit: str) -> str:
    many = "entries" if unit == "entry" else f"{unit}s"
    return f"{number:,} {unit if number == 1 else many}"


def _range(validator: validate.Range, _: fields.Field[Any]) -> Iterator[Rule]:
    bounds = []
    if validator.min is not None:
        bounds.append(f"{'at least' if validator.min_inclusive else 'more than'} {validator.min}")
    if validator.max is not None:
        bounds.append(f"{'at most' if validator.max_inclusive else 'less than'} {validator.max}")
    if bounds:
        yield Rule(f"{' and '.join(bounds)}.".capitalize(), ("out_of_range",))


def _one_of(validator: validate.OneOf, _: fields.Field[Any]) -> Iterator[Rule]:
    yield Rule("One of:", ("not_a_choice",), each_shown(validator.choices))


def _contains_only(validator: validate.ContainsOnly, _: fields.Field[Any]) -> Iterator[Rule]:
    yield Rule("Each element is one of:", ("not_a_choice",), each_shown(validator.choices))


def _none_of(validator: validate.NoneOf, _: fields.Field[Any]) -> Iterator[Rule]:
    yield Rule("None of:", _INVALID, each_shown(validator.iterable))


def _contains_none_of(validator: validate.ContainsNoneOf, _: fields.Field[Any]) -> Iterator[Rule]:
    yield Rule("No element is one of:", _INVALID, each_shown(validator.iterable))


def _equal(validator: validate.Equal, _: fields.Field[Any]) -> Iterator[Rule]:
    yield Rule("Equal to", _INVALID, (seen(validator.comparable),))


def _regexp(validator: validate.Regexp, _: fields.Field[Any]) -> Iterator[Rule]:
    text = "Matches this pattern from its start:"
    if validator.error != validator.default_message and "{" not in validator.error:
        text = f"{shown(validator.error)} {text}"
    yield Rule(text, (BAD_FORMAT,), (shown(validator.regex.pattern),))


def _predicate(validator: validate.Predicate, _: fields.Field[Any]) -> Iterator[Rule]:
    yield Rule(f"A rule of the schema's own, {shown(validator.method)}.", _INVALID)


def _url(validator: validate.URL, _: fields.Field[Any]) -> Iterator[Rule]:
    schemes = ", ".join(sorted(validator.schemes))
    if not validator.absolute:
        yield Rule("A path without a scheme and a host.", (BAD_FORMAT,))
        return
    also = ", or a path without them" if validator.relative else ""
    where = "" if validator.require_tld else "; the host may have no dot"
    yield Rule(f"A URL with one of the schemes {schemes}{also}{where}.", (BAD_FORMAT,))


def _email(_: validate.Email, __: fields.Field[Any]) -> Iterator[Rule]:
    yield Rule("An e-mail address.", (BAD_FORMAT,))


_KNOWN: tuple[tuple[type, Callable[[Any, fields.Field[Any]], Iterator[Rule]]], ...] = (
    (validate.Length, _length),
    (validate.Range, _range),
    (validate.OneOf, _one_of),
    (validate.ContainsOnly, _contains_only),
    (validate.NoneOf, _none_of),
    (validate.ContainsNoneOf, _contains_none_of),
    (validate.Equal, _equal),
    (validate.Regexp, _regexp),
    (validate.Predicate, _predicate),
    (validate.URL, _url),
    (validate.Email, _email),
)
_FAMILIES: tuple[tuple[type, str], ...] = (
    (validate.Length, "bad_length"),
    (validate.Range, "out_of_range"),
    (validate.OneOf, "not_a_choice"),
    (validate.Regexp, BAD_FORMAT),
    (validate.Email, BAD_FORMAT),
    (validate.URL, BAD_FORMAT),
)
