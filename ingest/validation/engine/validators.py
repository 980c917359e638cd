"""marshmallow's validators, each as a condition in the generated function.

`inline` writes one validator for a value whose possible classes are known, or raises Uncompiled:
then the validator itself has to be called.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from marshmallow import validate

from ingest.validation.engine.known import SCALARS
from ingest.validation.engine.long_texts import LONG, LongText, own_parts
from ingest.validation.engine.source import Source, Uncompiled

Classes = frozenset[type]
"""The classes that a value can have at some line; empty where it can have any."""

_SIZED: Classes = frozenset({str, bytes, list, dict, tuple})
_CONTAINERS = (list, tuple, set, frozenset, dict, str, range)
_TEXT: Classes = frozenset({str})

# Each matches a part of what marshmallow's own patterns match, and the larger part of what people
# send, at a fraction of the time. Whatever they do not match goes through marshmallow's.
_PLAIN_HOST = r"(?:[A-Za-z0-9]{1,31}(?:-[A-Za-z0-9]{1,31})?\.)+[A-Za-z]{2,63}"
PLAIN_EMAIL_TEXT = r"[A-Za-z0-9_+-]++(?:\.[A-Za-z0-9_+-]++)*+@" + _PLAIN_HOST
PLAIN_URL_TEXT = r"https?://" + _PLAIN_HOST + r"(?::[0-9]+)?(?:[/?#]\S+|/?)"
PLAIN_EMAIL = re.compile(PLAIN_EMAIL_TEXT).fullmatch
PLAIN_URL = re.compile(PLAIN_URL_TEXT).fullmatch


def plain_text(validator: Any) -> str | None:
    """The pattern of the plain texts that a validator accepts for certain; None for all others than
    Email and URL, and for URLs that are to be of another kind."""
    if type(validator) is validate.Email:
        return PLAIN_EMAIL_TEXT
    if type(validator) is not validate.URL or not validator.absolute:
        return None
    return PLAIN_URL_TEXT if {"http", "https"} <= set(validator.schemes) else None


def inline(source: Source, validator: Any, var: str, classes: Classes) -> None:
    """Write `validator` for the value in `var`: fall back wherever it would raise.

    Raises:
        Uncompiled: it is not a validator of marshmallow's, or not for such a value.
    """
    if type(validator) is validate.And:
        for each in validator.validators:
            inline(source, each, var, classes)
        return
    if type(validator) not in _WRITERS:
        raise Uncompiled(f"the validator {describe(validator)} is not marshmallow's")
    write, allowed = _WRITERS[type(validator)]
    if not classes or not classes <= allowed:
        raise Uncompiled(f"{type(validator).__name__} on a value that is not plain")
    write(source, validator, var, classes)


def describe(validator: Any) -> str:
    """What to call a validator in a sentence."""
    return getattr(validator, "__name__", None) or type(validator).__name__


def _length(source: Source, validator: validate.Length, var: str, classes: Classes) -> None:
    low, high, equal = validator.min, validator.max, validator.equal
    if any(type(each) not in (int, type(None)) for each in (low, high, equal)):
        raise Uncompiled("Length with bounds that are no plain integers")
    least = "" if low is None else f"{source.constant(low)} <= "
    most = "" if high is None else f" <= {source.constant(high)}"
    if equal is not None:
        source.fall_back_if(f"len({var}) != {source.constant(equal)}")
    elif least or most:
        source.fall_back_if(f"not {least}len({var}){most}")


def _range(source: Source, validator: validate.Range, var: str, classes: Classes) -> None:
    conditions = []
    if validator.min is not None:
        conditions.append(("<" if validator.min_inclusive else "<=", validator.min))
    if validator.max is not None:
        conditions.append((">" if validator.max_inclusive else ">=", validator.max))
    if any(type(bound) not in SCALARS for _, bound in conditions):
        raise Uncompiled("Range with a bound of the user's own class")
    if conditions:
        source.fall_back_if(
            " or ".join(f"{var} {sign} {source.constant(bound)}" for sign, bound in conditions)
        )


def _choices(source: Source, validator: Any, var: str, classes: Classes) -> None:
    """OneOf, NoneOf, and the two that look at each element."""
    rejects = isinstance(validator, validate.NoneOf)
    sign, container = ("in", validator.iterable) if rejects else ("not in", validator.choices)
    if type(container) not in _CONTAINERS:
        raise Uncompiled(f"choices in a {type(container).__name__}")
    if type(container) not in (str, range) and not all(type(each) in SCALARS for each in container):
        raise Uncompiled("choices of the user's own classes")
    if isinstance(validator, validate.ContainsOnly | validate.ContainsNoneOf):
        each = source.fresh("each")
        with source.block(f"for {each} in {var}:"):
            source.fall_back_if(f"{each} {sign} {source.bind('choices', container)}")
        return
    if classes <= SCALARS and type(container) not in (str, range):
        with suppress(TypeError):  # a signalling NaN
            container = frozenset(container)
    source.fall_back_if(f"{var} {sign} {source.bind('choices', container)}")


def _regexp(source: Source, validator: validate.Regexp, var: str, classes: Classes) -> None:
    pattern = validator.regex
    if isinstance(pattern, LongText):
        source.fall_back_if(f"len({var}) > {LONG}")
        pattern = pattern.compiled
    if type(pattern) is not re.Pattern:
        raise Uncompiled("Regexp with a pattern of another library")
    matches = source.bind("matches", pattern.match)
    source.fall_back_if(f"{matches}({var}) is None")


def _equal(source: Source, validator: validate.Equal, var: str, classes: Classes) -> None:
    if type(validator.comparable) not in SCALARS:
        raise Uncompiled("Equal to a value that is not plain")
    source.fall_back_if(f"{var} != {source.constant(validator.comparable)}")


def _check_message(message: Any) -> None:
    """Email and URL format their message for good values too; that must not be able to fail."""
    if type(message) is not str or {"{", "}"} & {*message.replace("{input}", "")}:
        raise Uncompiled("a message whose formatting may fail")


def _email(source: Source, validator: validate.Email, var: str, classes: Classes) -> None:
    _check_message(validator.error)
    if own := own_parts(validator):
        raise Uncompiled(f"an Email validator with its own {own[0]}")
    plain = source.bind("plain_email", PLAIN_EMAIL)
    user = source.bind("email_user", validate.Email.USER_REGEX.match)
    domain = source.bind("email_domain", validate.Email.DOMAIN_REGEX.match)
    whitelist = source.bind("email_whitelist", validator.DOMAIN_WHITELIST)
    name, host = source.fresh("name"), source.fresh("host")
    source.fall_back_if(f"len({var}) > {LONG}")
    with source.block(f"if {plain}({var}) is None:"):
        source.line(f"{name}, {host} = {var}.rsplit('@', 1)")
        source.fall_back_if(f"{user}({name}) is None")
        source.fall_back_if(f"{host} not in {whitelist} and {domain}({host}) is None")


def _url(source: Source, validator: validate.URL, var: str, classes: Classes) -> None:
    _check_message(validator.error)
    if own_parts(validator) or not all(type(each) is str for each in validator.schemes):
        raise Uncompiled("a URL validator with parts of the user's own")
    if "file" in validator.schemes:
        raise Uncompiled("a URL validator for files")
    pattern = validate.URL._regex(
        relative=validator.relative,
        absolute=validator.absolute,
        require_tld=validator.require_tld,
    )
    search = source.bind("url_search", pattern.search)
    schemes = source.bind("schemes", frozenset(validator.schemes))
    scheme = source.fresh("scheme")
    outer: AbstractContextManager[None] = nullcontext()
    if plain_text(validator):
        outer = source.block(f"if {source.bind('plain_url', PLAIN_URL)}({var}) is None:")
    source.fall_back_if(f"len({var}) > {LONG}")
    with outer:
        source.fall_back_if(f"not {var}")
        with source.block(f"if '://' in {var}:"):
            source.line(f"{scheme} = {var}.split('://', maxsplit=1)[0].lower()")
            source.fall_back_if(f"{scheme} not in {schemes}")
        source.fall_back_if(f"{search}({var}) is None")


_WRITERS: dict[type, tuple[Callable[[Source, Any, str, Classes], None], Classes]] = {
    validate.ContainsNoneOf: (_choices, _SIZED),
    validate.ContainsOnly: (_choices, _SIZED),
    validate.Email: (_email, _TEXT),
    validate.Equal: (_equal, SCALARS | _SIZED),
    validate.Length: (_length, _SIZED),
    validate.NoneOf: (_choices, SCALARS | _SIZED),
    validate.OneOf: (_choices, SCALARS | _SIZED),
    validate.Range: (_range, SCALARS),
    validate.Regexp: (_regexp, _TEXT | {bytes}),
    validate.URL: (_url, _TEXT),
}
"""What writes each, and the classes of the values that it is written for."""
