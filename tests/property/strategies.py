# ruff: noqa: RUF001 - letters and digits that look alike are what hostile input is made of
"""Schemas, and items for them: valid, nearly valid and hostile.

Hypothesis draws the schema. Items come out of a `random.Random` that it seeds, because twenty
thousand of them have to fit into seconds; `make(random)` of a drawn field gives a value that the
field probably takes.
"""

import datetime as dt
import decimal
import enum
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st
from marshmallow import (
    EXCLUDE,
    INCLUDE,
    RAISE,
    Schema,
    ValidationError,
    fields,
    missing,
    post_load,
    pre_load,
    validate,
    validates,
    validates_schema,
)

Make = Callable[[Random], Any]

CALLS: list[Any] = []
"""What the user's own code was called with, in order."""


class Text(str):
    def __str__(self) -> str:
        return "another text"


class Number(int):
    pass


class Items(dict):  # type: ignore[type-arg]
    pass


class Color(enum.Enum):
    red = 1
    green = "g"
    blue = 2.5


class Answer(enum.Enum):
    yes = True
    unknown = None
    no = 0


class Level(enum.IntEnum):
    low = 1
    high = 2


class Forgiving(enum.Enum):
    one = "1"
    two = "2"

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return cls.one if value == "uno" else None


HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 150, 151, 2**63, 2**64, -(2**70), 10**400, 10**5000,
    0.0, -0.0, 1.0, 1.5, 1e400, -1e400, float("nan"), 1e308, 3.0000000001,
    "", " ", "a", "abc", "1", " 1 ", "1_000", "-5", "1.5", "1e5", "٣", "１２", "NaN", "sNaN", "inf",
    "-Infinity", "Infinity", "0x10", "9" * 5000, "true", "True", "yes", "off", "t", "red", "green",
    "g", "RED", "2024-02-30", "2024-01-01", "20240101", "2024-W01-1", "2024-01-01T00:00:00",
    "2024-01-01 00:00", "2024-01-01T00:00:00Z", "2024-01-01T24:00:00", "2024-01-01T00:00:00+25:00",
    "2024-01-01T00:00:00.1234567", "2024-06-01T12:00:00+02:00", "12:30", "12:30:00+01:00", "T12",
    "Mon, 01 Jan 2024 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 -0000", "1704067200", "01.02.2024",
    "a@b.co", "a@b", "a@localhost", "a@@b.co", "ä@exämple.de", '"q"@x.org', "a@[127.0.0.1]",
    "a@b.c",
    "a.b+c@sub.example.com", "a@-b.com", ".a@b.com", "a@" + "b" * 64 + ".com", "a\n@b.co",
    "a@b.co\n",
    "http://x.org", "HTTP://X.org/a?b#c", "ftp://u:p@h.org:21/", "javascript://x", "//x.org",
    "http://localhost", "http://[::1]/", "/path", "http://x", "file:///etc/passwd",
    "http://x.org\n",
    "12345678-1234-5678-1234-567812345678", "{12345678123456781234567812345678}",
    "urn:uuid:12345678-1234-5678-1234-567812345678", "١" * 32, "12345678-1234",
    "127.0.0.1", "::1", "256.1.1.1", "10.0.0.1/8", "fe80::1%eth0", "0127.0.0.1",
    "\x00", "\ud800", "é" * 20, "x" * 300,
    b"", b"abc", b"\xff", b"12", b"0123456789abcdef", b"127.0.0.1", bytearray(b"1"),
    Text("text"), Text("1"), Text("a@b.co"), Number(7), Items(a=1), OrderedDict(a=1),
    [], [None], ["a"], ["a", 1], [[]], [1, 2, 3], ["a@b.co"], (), (1, "a"), {1, 2}, frozenset("ab"),
    {}, {"a": 1}, {1: 2}, {"a": None}, {"": ""}, {None: None}, range(3), [{}], [{"a": 1}],
    [missing],
    missing, {"a": missing}, object, decimal.Decimal("1.5"), decimal.Decimal("NaN"),
    decimal.Decimal("sNaN"), decimal.Decimal("Infinity"), decimal.Decimal(10) ** 30, 1 + 2j,
    uuid.UUID(int=5), dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC),  # noqa: DTZ001
    dt.date(2024, 1, 1), dt.time(12), dt.time(12, tzinfo=dt.UTC), dt.timedelta(1), Color.red,
    Level.low, Answer.no, "1999-12-31", "uno", "2", "low",
)  # fmt: skip

STRINGS = ("a", "b", "abc", "x y", "Ünïcödé", "", "red", "DE", "hello world", "١٢", "zz9")
EMAILS = (
    "a@b.co",
    "first.last+tag@sub.example.com",
    "o'hara@example.org",
    "ü@bücher.de",
    "x@localhost",
)
URLS = (
    "http://x.org",
    "https://a.b.example.com:8080/p?q=1#f",
    "ftp://h.org/",
    "http://192.168.0.1/",
)


def _plain(random: Random) -> Any:
    """Something that JSON can hold."""
    return random.choice(
        (None, True, 1, 2.5, "s", [1, "a", None], {"k": [1], "": {}}, [], {}, "1", 10**20)
    )


def user_check(value: Any) -> Any:
    """A validator of the user's own."""
    CALLS.append(("check", repr(value)))
    if "x" in repr(value):
        raise ValidationError("There is an x in it.")
    return False


def user_check_dict(value: Any) -> None:
    CALLS.append(("check_dict", repr(value)))
    if "1" in repr(value):
        raise ValidationError({"inner": ["a 1"]})


def user_break(value: Any) -> None:
    CALLS.append(("break", repr(value)))
    if "b" in repr(value):
        raise KeyError("b")


def user_default() -> Any:
    CALLS.append("default")
    return ["made", len(CALLS)]


def user_change(value: Any) -> Any:
    CALLS.append(("change", repr(value)))
    return value if value is None else str(value).strip()


class Shouting(fields.String):
    """Overrides how it loads."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        seen = sorted(map(str, data or ()))
        CALLS.append(("shout", repr(value), attr, seen, repr(kwargs), id(self)))
        return super()._deserialize(value, attr, data, **kwargs).upper()


class Quiet(fields.String):
    """Overrides nothing that a load looks at."""

    default_error_messages = {"invalid": "Not quiet."}  # noqa: RUF012


class Frozen(fields.List[Any]):
    """Loads a tuple, as generated schemas do."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        loaded = super()._deserialize(*args, **kwargs)
        CALLS.append(("frozen", repr(kwargs)))
        return tuple(loaded)


class Even(fields.Integer):
    def _validated(self, value: Any) -> Any:
        number = super()._validated(value)
        if number % 2:
            raise ValidationError("odd", valid_data=0)
        return number


class Passing(Schema):
    def load(self, data: Any, **kwargs: Any) -> Any:
        return super().load(data, **kwargs)


class PassingOptions(Schema):
    def load(self, data: Any, *, many: Any = None, partial: Any = None, unknown: Any = None) -> Any:
        return super().load(data, many=many, partial=partial, unknown=unknown)


class Recording(Schema):
    def load(self, data: Any, *, many: Any = None, **kwargs: Any) -> Any:
        CALLS.append(("load", repr(data), many, repr(sorted(kwargs.items()))))
        loaded = super().load(data, many=many, **kwargs)
        many = self.many if many is None else bool(many)
        return [{"loaded": each} for each in loaded] if many else {"loaded": loaded}


class Lenient(Schema):
    """Passes on options of its own, after a method and a property of its own."""

    fewest = 1

    def load(self, data: Any, **kwargs: Any) -> Any:
        self.last = repr(data)
        kwargs |= {"unknown": self.mode, "partial": ("a", "name.a")}
        return super().load(self.cleaned(data), **kwargs)

    @property
    def mode(self) -> Any:
        return EXCLUDE if self.fewest else RAISE

    def cleaned(self, data: Any) -> Any:
        CALLS.append(("cleaned", self.last))
        if isinstance(data, dict):
            return {name: value for name, value in data.items() if name != "b"}
        return data


class Catching(Schema):
    def load(self, data: Any, **kwargs: Any) -> Any:
        try:
            return super().load(data, **kwargs)
        except ValidationError as error:
            CALLS.append(("caught", repr(error.valid_data)))
            raise ValidationError({"caught": error.messages}, valid_data={"v": 1}) from error


class CatchingPassing(Catching, Recording):
    """Two overrides, one over the other."""


class Changing(Schema):
    """Changes its fields for each item, so that it is left alone."""

    def load(self, data: Any, **kwargs: Any) -> Any:
        for field in self.load_fields.values():
            field.required = len(data) > 1 and field.load_default is missing
        return super().load(data, **kwargs)


class Deeper(Schema):
    def _do_load(self, data: Any, **kwargs: Any) -> Any:
        CALLS.append(("_do_load", repr(data), repr(sorted(kwargs.items()))))
        return super()._do_load(data, **kwargs)


OVERRIDING = (
    Passing, PassingOptions, Recording, Lenient, Catching, CatchingPassing, Changing, Deeper,
)  # fmt: skip


@dataclass
class Drawn:
    """A field and how to make a value for it."""

    field: fields.Field[Any]
    make: Make


@dataclass
class DrawnSchema:
    schema: Schema
    make: Make


@st.composite
def options(draw: st.DrawFn, validators: list[Any], *, nested: bool = False) -> dict[str, Any]:
    """The arguments that every field takes."""
    chosen: dict[str, Any] = {}
    kind = draw(st.integers(0, 9))
    if kind <= 2:
        chosen["required"] = True
    elif kind == 3:
        chosen["load_default"] = draw(
            st.sampled_from([None, 5, "default", dict, list, missing, user_default, 1.5, True])
        )
    if draw(st.integers(0, 3)) == 0:
        chosen["allow_none"] = draw(st.booleans())
    if validators and draw(st.integers(0, 1)):
        picked = draw(st.lists(st.sampled_from(validators), min_size=1, max_size=2))
        chosen["validate"] = picked if draw(st.booleans()) else validate.And(*picked)
    own = draw(st.integers(0, 60))
    if own == 0:
        chosen["pre_load"] = user_change
    elif own == 1:
        chosen["post_load"] = [user_change]
    elif own in (2, 3):
        chosen["validate"] = [user_check]
    elif own == 4:
        chosen["validate"] = [validate.Predicate("__len__"), user_check_dict, user_check]
    elif own == 5:
        chosen["validate"] = user_break
    return chosen


TEXT_VALIDATORS = [
    validate.Length(1, 20), validate.Length(min=2), validate.Length(max=5),
    validate.Length(equal=2),
    validate.OneOf(["a", "b", "abc", "DE"]), validate.OneOf("abc"), validate.NoneOf({"b", "red"}),
    validate.Regexp(r"[a-z ]+\Z"), validate.Regexp("^\\w+$"), validate.Equal("abc"),
    validate.Predicate("isalpha"), validate.Predicate("startswith"), validate.Email(),
    validate.URL(),
    validate.ContainsOnly("abcdef "), validate.ContainsNoneOf(["x"]), validate.Range("a", "m"),
    validate.OneOf([None, 1, "a"], error="{input} of {choices}"),
    validate.Email(error="{input} {0}"),
]  # fmt: skip
NUMBER_VALIDATORS = [
    validate.Range(0, 150), validate.Range(min=0), validate.Range(max=1000, max_inclusive=False),
    validate.Range(0, 10, min_inclusive=False), validate.OneOf([1, 2, 3, 1.5]),
    validate.NoneOf([0]),
    validate.Equal(1), validate.Range(min=decimal.Decimal("0.5")), validate.Length(max=3),
    validate.Predicate("is_integer"),
]  # fmt: skip
LIST_VALIDATORS = [
    validate.Length(0, 3), validate.Length(min=1), validate.ContainsOnly(["a", "b", "abc", 1, 2]),
    validate.ContainsNoneOf(("x y", 3)), validate.OneOf([["a"]]), validate.Equal(5),
    validate.NoneOf([1]), validate.ContainsOnly({"a", 1}),
]  # fmt: skip
DATE_VALIDATORS = [
    validate.Range(min=dt.date(2000, 1, 1)), validate.Range(max=dt.datetime(2030, 1, 1)),  # noqa: DTZ001
]  # fmt: skip


def one_of(*values: Any) -> Make:
    return lambda random: random.choice(values)


def _numbers(random: Random) -> Any:
    return random.choice(
        (random.randrange(-3, 200), random.random() * 100, str(random.randrange(99)))
    )


ISO = (
    "2024-02-29T12:30:00",
    "2024-02-29T12:30:00+02:00",
    "2024-02-29 12:30",
    "2024-02-29T12:30:00Z",
)


@st.composite
def scalars(draw: st.DrawFn) -> Drawn:
    """A field of one value."""
    kind = draw(st.sampled_from(SCALAR_KINDS))
    if kind in (fields.String, Quiet, Shouting):
        return Drawn(kind(**draw(options(TEXT_VALIDATORS))), one_of(*STRINGS))
    if kind is fields.Function:
        return draw(functions(kind, user_change))
    if kind is fields.Email:
        return Drawn(kind(**draw(options(TEXT_VALIDATORS))), one_of(*EMAILS))
    if kind is fields.Url:
        more = draw(
            st.sampled_from(
                [{}, {"relative": True}, {"require_tld": False}, {"schemes": ["http", "file"]},
                 {"relative": True, "absolute": False}]
            )
        )  # fmt: skip
        return Drawn(kind(**more, **draw(options(TEXT_VALIDATORS))), one_of(*URLS))
    if kind in (fields.Integer, Even):
        strict = draw(st.booleans())
        return Drawn(kind(strict=strict, **draw(options(NUMBER_VALIDATORS))), _numbers)
    if kind is fields.Float:
        allowed = draw(st.booleans())
        return Drawn(kind(allow_nan=allowed, **draw(options(NUMBER_VALIDATORS))), _numbers)
    if kind is fields.Decimal:
        return Drawn(
            kind(
                draw(st.sampled_from([None, 0, 2])),
                draw(st.sampled_from([None, decimal.ROUND_UP])),
                allow_nan=draw(st.booleans()),
                **draw(options(NUMBER_VALIDATORS)),
            ),
            _numbers,
        )
    if kind is fields.Boolean:
        sets = draw(
            st.sampled_from(
                [{}, {"truthy": {"ja"}, "falsy": {"nein", 0}}, {"truthy": set()},
                 {"truthy": {1, "1"}, "falsy": {1, "0"}}]
            )
        )  # fmt: skip
        return Drawn(kind(**sets, **draw(options([]))), one_of(True, False, 1, "no", "ja"))
    if kind is fields.UUID:
        return Drawn(
            kind(**draw(options([]))), lambda random: str(uuid.UUID(int=random.getrandbits(128)))
        )
    if kind is fields.Enum:
        cls = draw(st.sampled_from([Color, Answer, Level, Forgiving]))
        fitting = [False, True, fields.Raw] + (
            [fields.Integer(strict=True), fields.Float] if cls is Level else []
        )
        fitting += [fields.String] if cls is Forgiving else []
        by = draw(st.sampled_from(fitting))
        values = [each.value for each in cls] + list(cls.__members__)
        checks = [validate.OneOf([Color.red, Level.low]), validate.Equal(Color.red)]
        return Drawn(kind(cls, by_value=by, **draw(options(checks))), one_of(*values))
    if kind is fields.Constant:
        constant = draw(st.sampled_from([5, None, "c", [1], Color.red, dict]))
        kwargs = draw(options([validate.Equal(5)]))
        kwargs.pop("load_default", None)
        return Drawn(kind(constant, **kwargs), _plain)
    if kind in ADDRESSES:
        return Drawn(kind(**draw(options([]))), one_of("127.0.0.1", "::1", "10.0.0.1/8"))
    if kind in (fields.Raw, fields.Field):
        return Drawn(
            kind(**draw(options(TEXT_VALIDATORS + NUMBER_VALIDATORS + LIST_VALIDATORS))), _plain
        )
    return draw(temporals(kind))


@st.composite
def functions(draw: st.DrawFn, kind: Any, load: Any) -> Drawn:
    deserialize = draw(st.sampled_from([load, load, load, None]))
    checks = [*TEXT_VALIDATORS[:4], user_check]
    return Drawn(kind(deserialize=deserialize, **draw(options(checks))), _plain)


@st.composite
def temporals(draw: st.DrawFn, kind: Any) -> Drawn:
    chosen = draw(options(DATE_VALIDATORS))
    if kind is fields.TimeDelta:
        return Drawn(
            kind(draw(st.sampled_from(["seconds", "Days", "microseconds"])), **chosen), _numbers
        )
    formats: list[Any] = [None, None, "iso", "%d.%m.%Y", "%H:%M"]
    if issubclass(kind, fields.DateTime):
        formats += ["rfc", "timestamp", "timestamp_ms"]
    chosen["format"] = draw(st.sampled_from(formats))
    zone = draw(st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=5))]))
    if kind is fields.NaiveDateTime:
        chosen["timezone"] = zone
    if kind is fields.AwareDateTime:
        chosen["default_timezone"] = zone
    values = {
        fields.Date: ("2024-02-29", "01.02.2024"),
        fields.Time: ("12:30:05", "12:30", "07:00Z"),
    }
    return Drawn(kind(**chosen), one_of(*values.get(kind, ISO), "01.02.2024", 1704067200, 1.5))


ADDRESSES = [
    fields.IP, fields.IPv4, fields.IPv6, fields.IPInterface, fields.IPv4Interface,
    fields.IPv6Interface,
]  # fmt: skip
SCALAR_KINDS = [
    fields.String, fields.String, fields.Email, fields.Url, fields.Integer, fields.Integer,
    fields.Float, fields.Decimal, fields.Boolean, fields.UUID, fields.DateTime,
    fields.NaiveDateTime,
    fields.AwareDateTime, fields.Date, fields.Time, fields.TimeDelta, fields.Enum, fields.Constant,
    fields.Raw, fields.Field, Quiet, Shouting, Even, fields.Function, *ADDRESSES,
]  # fmt: skip


@st.composite
def any_field(draw: st.DrawFn, depth: int) -> Drawn:
    """A field, with others inside it while `depth` lasts."""
    kind = draw(st.integers(0, 9)) if depth else 9
    if kind == 0:
        inner = draw(any_field(depth - 1))
        listed = draw(st.sampled_from([fields.List] * 4 + [Frozen]))
        field: Any = listed(inner.field, **draw(options(LIST_VALIDATORS)))
        return Drawn(field, lambda r: [dirty(inner.make, r) for _ in range(r.randrange(4))])
    if kind == 1:
        parts = draw(st.lists(any_field(depth - 1), max_size=3))
        field = fields.Tuple([each.field for each in parts], **draw(options(LIST_VALIDATORS)))
        return Drawn(field, lambda r: [dirty(each.make, r) for each in parts])
    if kind == 2:
        keys = draw(st.none() | scalars())
        values = draw(st.none() | any_field(depth - 1))
        field = fields.Dict(
            keys=keys and keys.field,
            values=values and values.field,
            **draw(options(LIST_VALIDATORS)),
        )

        def make_dict(random: Random) -> Any:
            made = {}
            for _ in range(random.randrange(3)):
                key = dirty(keys.make if keys else one_of("k", "l", 1), random)
                try:
                    made[key] = dirty(values.make if values else _plain, random)
                except TypeError:
                    made["unhashable"] = 1
            return made

        return Drawn(field, make_dict)
    if kind in (3, 4):
        return draw(nested(depth))
    return draw(scalars())


@st.composite
def nested(draw: st.DrawFn, depth: int) -> Drawn:
    many = draw(st.booleans())
    inner = draw(schemas(depth - 1, many=False))
    names = list(inner.schema.fields)
    chosen = draw(options(LIST_VALIDATORS))
    unknown = draw(st.sampled_from([None, None, RAISE, INCLUDE, EXCLUDE]))
    if draw(st.integers(0, 5)) == 0 and names:
        name = draw(st.sampled_from(names))
        pluck: Any = fields.Pluck(type(inner.schema), name, many=many, unknown=unknown, **chosen)
        field = inner.schema.fields[name]
        key = name if field.data_key is None else field.data_key

        def plucked(random: Random) -> Any:
            made = inner.make(random)
            return made.get(key) if isinstance(made, dict) else made

        return Drawn(
            pluck, lambda r: [plucked(r) for _ in range(r.randrange(3))] if many else plucked(r)
        )
    if names and draw(st.integers(0, 3)) == 0:
        picked = draw(st.lists(st.sampled_from(names), unique=True, min_size=1))
        chosen[draw(st.sampled_from(["only", "exclude"]))] = picked
    source = inner.schema if draw(st.booleans()) else type(inner.schema)
    field = fields.Nested(
        source, many=many or draw(st.sampled_from([None, False])), unknown=unknown, **chosen
    )
    if many:
        return Drawn(field, lambda r: [dirty(inner.make, r, 0.03) for _ in range(r.randrange(3))])
    return Drawn(field, inner.make)


def dirty(make: Make, random: Random, share: float = 0.06) -> Any:
    """A value for the field, or a hostile one."""
    return random.choice(HOSTILE) if random.random() < share else make(random)


def _hooks(draw: st.DrawFn, names: list[str]) -> dict[str, Any]:
    """Methods of the user's own."""
    made: dict[str, Any] = {}

    def before(self: Any, data: Any, **kwargs: Any) -> Any:
        CALLS.append(("pre_load", repr(data), repr(kwargs), id(self)))
        if isinstance(data, dict):
            data.pop("unknown", None)  # changes what it is given, as users do
            if "forbidden" in data:
                raise ValidationError({"forbidden": ["Forbidden."]})
        return data

    def after(self: Any, data: Any, original: Any, **kwargs: Any) -> Any:
        CALLS.append(("post_load", repr(data), repr(original), repr(kwargs), id(self)))
        if len(data) == 1:
            raise ValidationError("Too little.")
        return {"made": data}

    def whole(self: Any, data: Any, **kwargs: Any) -> None:
        CALLS.append(("validates_schema", repr(data), repr(kwargs)))
        if len(data) == 2:
            raise ValidationError("Just two.", names[0] if names else "_schema")

    def one(self: Any, value: Any, **kwargs: Any) -> None:
        CALLS.append(("validates", repr(value), repr(kwargs), id(self)))
        if value in (1, True, "a"):
            raise ValidationError("Neither 1 nor a.")

    whole_collection = draw(st.booleans())
    if draw(st.integers(0, 14)) == 0:
        made["before"] = pre_load(before, pass_collection=whole_collection)
    if draw(st.integers(0, 14)) == 0:
        made["after"] = post_load(after, pass_original=True, pass_collection=whole_collection)
    if draw(st.integers(0, 14)) == 0:
        made["whole"] = validates_schema(
            whole, skip_on_field_errors=draw(st.booleans()), pass_collection=whole_collection
        )
    if names and draw(st.integers(0, 14)) == 0:
        made["one"] = validates(*draw(st.lists(st.sampled_from(names), min_size=1, max_size=2)))(
            one
        )
    if draw(st.integers(0, 30)) == 0:
        made["dict_class"] = OrderedDict
    return made


def _load_method(self: Any, value: Any) -> Any:
    # Not with `self`: copies of a schema share their fields, so it is that of the latest copy.
    CALLS.append(("method", repr(value)))
    if value == "1":
        raise ValidationError("no 1", valid_data="part")
    return value


NAMES = ("a", "b", "c", "name", "value", "tags", "x.y", "class", "q\"uote'\\", "né\n")


@st.composite
def schemas(draw: st.DrawFn, depth: int = 2, *, many: bool | None = None) -> DrawnSchema:
    """A schema instance and how to make items for it."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=5))
    makers: dict[str, Make] = {}
    declared: dict[str, Any] = {}
    for name in names:
        method = draw(st.integers(0, 39)) == 0
        drawn = draw(functions(fields.Method, "load_method") if method else any_field(depth))
        field = drawn.field
        if draw(st.integers(0, 7)) == 0:
            field.data_key = draw(st.sampled_from([f"{name}Key", "", f"{name}.k"]))
        if draw(st.integers(0, 9)) == 0:
            field.attribute = draw(
                st.sampled_from([f"{name}_attr", f"in.{name}", "in.deep." + name])
            )
        extra = draw(st.integers(0, 19))
        field.load_only, field.dump_only = extra == 0 or field.load_only, extra == 1
        declared[name] = field
        makers[name if field.data_key is None else field.data_key] = drawn.make
    unknown = draw(st.sampled_from([RAISE, RAISE, INCLUDE, EXCLUDE]))
    base = draw(st.sampled_from([Schema] * (8 * len(OVERRIDING)) + [*OVERRIDING]))
    itself = draw(st.integers(0, 11)) == 0 if many is None else False
    if itself:
        many_inside = draw(st.booleans())
        declared["itself"] = fields.Nested(lambda: cls(unknown=unknown), many=many_inside)
        makers["itself"] = lambda random: [] if many_inside else {}
    indexed = draw(st.integers(0, 9)) > 0
    body = {
        **declared,
        "load_method": _load_method,
        **_hooks(draw, names),
        "Meta": type("Meta", (), {"unknown": unknown, "register": False, "index_errors": indexed}),
    }
    cls = type(draw(st.sampled_from(["Drawn", "Odd name; raise SystemExit", "é"])), (base,), body)
    partial = draw(st.sampled_from([None] * 6 + [True, False, (names[0],)]))
    collection = draw(st.integers(0, 15)) == 0 if many is None else many
    try:
        schema = cls(partial=partial, many=collection)
    except ValueError:  # two keys or attributes that collide
        for field in declared.values():
            field.data_key = field.attribute = None
        makers = dict(zip(names, makers.values(), strict=False))
        schema = cls(partial=partial, many=collection)

    def make(random: Random) -> Any:
        item = _make_item(random, makers)
        if itself and type(item) is dict and random.random() < 0.6:
            inside = make(random)
            item = {**item, "itself": [inside] if many_inside else inside}
        return item

    if collection:
        return DrawnSchema(schema, lambda r: [make(r) for _ in range(r.randrange(3))])
    return DrawnSchema(schema, make)


def _make_item(random: Random, makers: dict[str, Make]) -> Any:
    if random.random() < 0.02:
        return random.choice(HOSTILE)
    cleanliness = random.choice((0, 0, 0.05, 0.3))
    keys = list(makers)
    if random.random() < 0.2:
        random.shuffle(keys)
    absent = random.choice((0, 0, 0.1, 0.5))
    item = {
        key: dirty(makers[key], random, cleanliness) for key in keys if random.random() >= absent
    }
    if random.random() < 0.15:
        for _ in range(random.randrange(1, 4)):
            item[random.choice(("unknown", "forbidden", "u2", 5, None, "a", "b"))] = random.choice(
                HOSTILE
            )
    return item


@st.composite
def partials(draw: st.DrawFn, schema: Schema) -> Any:
    names = list(schema.fields)
    picked = draw(
        st.lists(st.sampled_from([*names, names[0] + ".a", "value.b", "other"]), max_size=4)
    )
    form = draw(st.sampled_from([None, None, None, False, True, list, tuple, set, frozenset]))
    return form(picked) if isinstance(form, type) else form
