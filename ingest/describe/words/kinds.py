"""What kind of value a field takes, in words."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from marshmallow import fields

from ingest.describe.choices import own_words
from ingest.describe.words.rule import BAD_FORMAT, WRONG_TYPE, Rule, each_shown, seen, shown
from ingest.errors import encodable

_TYPE = (WRONG_TYPE,)
_FORMAT = (WRONG_TYPE, BAD_FORMAT)
_NUMBER = (WRONG_TYPE, "out_of_range", "not_storable")
_CHOICE = (WRONG_TYPE, "not_a_choice")
_OWN = ("invalid", WRONG_TYPE)
_MOMENT = dt.datetime(2026, 11, 29, 10, 30, tzinfo=dt.UTC)
_TIMESTAMPS = {"timestamp": "seconds", "timestamp_ms": "milliseconds"}


def kind(field: fields.Field[Any]) -> Rule:
    """A sentence about the values that a field loads, before its validators see them."""
    for family, describe in _FAMILIES:
        if isinstance(field, family):
            return describe(field)
    if type(field) in (fields.Raw, fields.Field):
        return Rule("Anything that the format of the body can hold.")
    does = "makes" if field.dump_only else "reads"
    return Rule(f"A value that the collection's own code {does}.", _OWN)


def is_own(field: fields.Field[Any]) -> bool:
    """Whether a field's class is the user's, and may refuse more than is known of its family."""
    return not type(field).__module__.startswith("marshmallow.")


def _text(field: fields.String) -> Rule:
    return Rule("Text.", _TYPE)


def _email(field: fields.Email) -> Rule:
    return Rule("An e-mail address, such as", _FORMAT, ("ann@example.com",))


def _url(field: fields.Url) -> Rule:
    return Rule("A URL, as text.", _FORMAT)


def _uuid(field: fields.UUID) -> Rule:
    return Rule("A UUID, such as", _FORMAT, ("01933b2e-7c00-7000-8000-000000000001",))


def _integer(field: fields.Integer) -> Rule:
    fraction = "a fraction is refused" if field.strict else "a fraction is cut off"
    written = "" if field.strict else ", also written as text"
    return Rule(f"A whole number of at most 64 bits{written}; {fraction}.", _NUMBER)


def _float(field: fields.Float) -> Rule:
    return Rule("A number, also written as text.", _NUMBER)


def _decimal(field: fields.Decimal) -> Rule:
    places = ""
    if field.places is not None:
        count = -int(field.places.as_tuple().exponent)
        places = f"; it is rounded to {count} decimal {'place' if count == 1 else 'places'}"
    return Rule(f"A decimal number; as text, no digit of it is lost{places}.", _NUMBER)


def _boolean(field: fields.Boolean) -> Rule:
    if words := own_words(field):
        return Rule("True or false, as one of:", _TYPE, each_shown(words))
    return Rule("Either true or false, also written as text.", _TYPE)


def _moment(field: fields.DateTime) -> Rule:
    sample, offset = _MOMENT, " with an offset"
    if isinstance(field, fields.NaiveDateTime) and field.timezone is None:
        sample, offset = _MOMENT.replace(tzinfo=None), " without an offset"
    elif isinstance(field, fields.NaiveDateTime):
        offset = ""
    elif isinstance(field, fields.AwareDateTime) and field.default_timezone is not None:
        offset = f", of {field.default_timezone} where it has no offset"
    return _written(field, f"A date and time{offset}", sample)


def _date(field: fields.Date) -> Rule:
    return _written(field, "A date", _MOMENT.date())


def _time(field: fields.Time) -> Rule:
    return _written(field, "A time of day", _MOMENT.time())


def _written(field: Any, what: str, sample: Any) -> Rule:
    """What is written, and how."""
    form, errors = encodable(field.format or field.DEFAULT_FORMAT), (*_FORMAT, "not_storable")
    if form in _TIMESTAMPS:
        return Rule(f"{what}, as {_TIMESTAMPS[form]} since 1970.", errors)
    if form in field.SERIALIZATION_FUNCS:
        return Rule(f"{what}, such as", errors, (field.SERIALIZATION_FUNCS[form](sample),))
    return Rule(f"{what} in the form {shown(form)}, such as", errors, (sample.strftime(form),))


def _period(field: fields.TimeDelta) -> Rule:
    return Rule(f"A period of time: a number of {field.precision}.", (WRONG_TYPE, BAD_FORMAT))


def _choice(field: fields.Enum[Any]) -> Rule:
    members = field.enum.__members__
    names = members if not field.by_value else [each.value for each in field.enum]
    inner = kind(field.field).errors if field.by_value else ()
    return Rule("One of:", tuple(dict.fromkeys((*_CHOICE, *inner))), each_shown(names))


def _address(field: fields.IP) -> Rule:
    version = {fields.IPv4: "An IPv4 address", fields.IPv6: "An IPv6 address"}
    return Rule(
        f"{version.get(type(field), 'An IP address')}, as text.", (*_FORMAT, "not_storable")
    )


def _interface(field: fields.IPInterface) -> Rule:
    return Rule("An IP address with its network, such as", _FORMAT, ("192.0.2.1/24",))


def _constant(field: fields.Constant[Any]) -> Rule:
    return Rule("Whatever is sent, it is", (), (seen(field.constant),))


def _list(field: fields.List[Any]) -> Rule:
    return Rule("A list.", _TYPE)


def _tuple(field: fields.Tuple) -> Rule:
    count = len(field.tuple_fields)
    noun = "element" if count == 1 else "elements"
    return Rule(f"A list of exactly {count} {noun}.", (WRONG_TYPE, "bad_length"))


def _mapping(field: fields.Mapping[Any]) -> Rule:
    return Rule("An object with keys of its own.", _TYPE)


def many(field: fields.Nested) -> bool:
    """Whether it is a list of what it nests."""
    return bool(field.many or field.schema.many)


def plucked(field: fields.Field[Any]) -> fields.Field[Any] | None:
    """The one nested field that a value stands for; None where it stands for none, or many."""
    if not isinstance(field, fields.Pluck) or many(field):
        return None
    return field.schema.fields[field.field_name]


def _plucked(field: fields.Pluck) -> Rule:
    inner = plucked(field)
    return Rule("A list.", _TYPE) if inner is None else kind(inner)


def _nested(field: fields.Nested) -> Rule:
    return Rule("A list of objects." if many(field) else "An object.", _TYPE)


_FAMILIES: tuple[tuple[type[fields.Field[Any]], Callable[[Any], Rule]], ...] = (
    # A subclass stands before its base.
    (fields.Pluck, _plucked),
    (fields.Nested, _nested),
    (fields.Email, _email),
    (fields.Url, _url),
    (fields.UUID, _uuid),
    (fields.String, _text),
    (fields.Integer, _integer),
    (fields.Float, _float),
    (fields.Decimal, _decimal),
    (fields.Boolean, _boolean),
    (fields.DateTime, _moment),
    (fields.Time, _time),
    (fields.Date, _date),
    (fields.TimeDelta, _period),
    (fields.Enum, _choice),
    (fields.IPInterface, _interface),
    (fields.IP, _address),
    (fields.Constant, _constant),
    (fields.List, _list),
    (fields.Tuple, _tuple),
    (fields.Mapping, _mapping),
)
