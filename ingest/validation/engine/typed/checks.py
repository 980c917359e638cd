"""Checks of values that a type alone does not make."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import orjson
from marshmallow import fields, validate
from msgspec import UNSET, Meta

from ingest.resources.columns import INT64_MAX, INT64_MIN
from ingest.resources.exact import jsonb_keeps
from ingest.validation.engine.scalars import write_scalar
from ingest.validation.engine.source import Source, Uncompiled
from ingest.validation.engine.validators import Classes, inline

Check = Callable[[Any], bool]
"""Whether it vouches for a value, neither absent nor null."""
_WHOLE = {int, type(None)}


def whole_range(validators: Sequence[Any], low: int, high: int) -> tuple[int, int, list[Any]]:
    """The least and the greatest integer that ranges allow, and the other validators."""
    others = []
    for each in validators:
        if type(each) is validate.Range and {type(each.min), type(each.max)} <= _WHOLE:
            low = low if each.min is None else max(low, each.min + (not each.min_inclusive))
            high = high if each.max is None else min(high, each.max - (not each.max_inclusive))
        else:
            others.append(each)
    return low, high, others


def bounded(kind: type, **bounds: Any) -> Any:
    """The type of values of a class within bounds, by their names in msgspec."""
    try:
        return Annotated[kind, Meta(**bounds)]
    except ValueError as error:
        raise Uncompiled(f"msgspec has no such bounds: {error}") from error


def flat(validators: Iterable[Any]) -> list[Any]:
    """Validators, with the parts of each `And` in its place."""
    found: list[Any] = []
    for each in validators:
        found += flat(each.validators) if type(each) is validate.And else [each]
    return found


def allowed(validators: Sequence[Any], kind: type) -> tuple[Any, ...]:
    """The choices of that class which pass all validators."""
    first = next(each for each in validators if type(each) is validate.OneOf)
    choices = [each for each in first.choices if type(each) is kind]
    passing = tuple(each for each in choices if _passes(validators, each))
    if not passing or any(
        type(each) is int and not INT64_MIN <= each <= INT64_MAX for each in passing
    ):
        raise Uncompiled("choices that no type has")
    return passing


def _passes(validators: Sequence[Any], value: Any) -> bool:
    try:
        for each in validators:
            each(value)
    except Exception:  # noqa: BLE001 - whatever a rule says, such an item is for marshmallow
        return False
    return True


def check_of(field: fields.Field[Any], validators: Sequence[Any], classes: Classes) -> Check | None:
    """Whether a value, of one of these classes, passes validators of marshmallow's."""
    if not validators:
        return None
    source = Source("check", field.name or "value")
    with source.function("value", "False"), source.guarded():
        for each in validators:
            inline(source, each, "value", classes)
        source.line("return True")
    return source.compiled()


def loaded_check(field: fields.Field[Any], kind: type) -> Check | None:
    """Whether what is loaded of a value passes the field's validators."""
    if not field.validators:
        return None
    source = Source("check", field.name or "value")
    with source.function("value", "False"), source.guarded():
        classes = write_scalar(source, field, kind, "value")
        for each in field.validators:
            inline(source, each, "value", classes)
        source.line("return True")
    return source.compiled()


def number_check(check: Check | None, *, null: bool) -> Check:
    """The check of a number that jsonb gives back as the float that is loaded of it: that of 5 is
    5.0, and jsonb tells them apart."""

    def passes(value: Any) -> bool:
        sent = bytes(value)
        if sent == b"null":
            return null
        numbers = exact_numbers([sent])
        number = None if numbers is None else numbers[0]
        if type(number) is not float or not jsonb_keeps(number):
            return False
        return check is None or check(number)

    return passes


def exact_numbers(sent: Sequence[bytes]) -> list[Any] | None:
    """The values of JSON texts; None where one of them is written in another way than a double of
    this value is, so that it may have more digits."""
    texts = b"[%b]" % b",".join(sent)
    try:
        values: list[Any] = orjson.loads(texts)
        return values if orjson.dumps(values) == texts else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def matches(pattern: str) -> Check:
    matches = re.compile(pattern).fullmatch
    return lambda text: matches(text) is not None


def both(one: Check | None, other: Check | None) -> Check | None:
    if one is None or other is None:
        return one or other
    return lambda value: one(value) and other(value)


def each_of(check: Check | None, members: Callable[[Any], Iterable[Any]] = iter) -> Check | None:
    """The check of each member of a value that is not null."""
    if check is None:
        return None
    return lambda value: all(each is None or check(each) for each in members(value))


def members_check(checks: Sequence[tuple[str, Check]]) -> Check | None:
    """The check of some attributes of an object."""
    if not checks:
        return None

    def check(value: Any) -> bool:
        for attribute, passes in checks:
            member = getattr(value, attribute)
            if member is not UNSET and member is not None and not passes(member):
                return False
        return True

    return check
