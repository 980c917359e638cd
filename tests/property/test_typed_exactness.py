"""What is staged of typed items is what the RecordWriter makes of the same JSON.

Schemas are of fields that may be typed, with every kind of rule, key, action and option; values are
good, nearly good, and bad ones, and so are the members that items have.
"""

import enum
import os
from collections.abc import Callable
from random import Random
from typing import Any

import orjson
import pytest
from marshmallow import EXCLUDE, RAISE, Schema, fields, missing, validate

from ingest import Resource
from ingest.errors import ConfigurationError
from ingest.model import Action, Options, Resolution
from ingest.resources.columns import KEY_TYPES, ColumnType
from ingest.validation.items import ItemValidator
from tests.property.record_outcomes import compare_typed

SCHEMAS = max(150, int(os.environ.get("FUZZ_COMPARISONS", "0")) // 400)
ITEMS = 25
KEY = "0191d7a0-0000-7000-8000-00000000abcd"


class Colour(enum.Enum):
    red = "r"
    green = "g"
    crimson = "r"  # noqa: PIE796 - another name of red


NAMES = ["f0", "m1", "index", "carried", "group", "class", "é", "errors", "n" * 80, "__dict__"]
TEXTS = ["a", "ab", "", "é" * 3, "x" * 10, "x" * 11, "😀", "a\nb", "\u2028", "a\0", "\\u0000", "5"]
ADDRESSES = ["a@b.co", "a.b+c@d-e.example.org", "a@b.c", "é@b.co", "a@b.co\n", "", '"q"@b.co']
ADDRESSES += ["a@b.co\nc@d.co", "a@[127.0.0.1]", "x" * 300 + "@b.co"]
URLS = [
    "http://a.org",
    "https://a.org/x y",
    "http://a.org:80/?q=1",
    "ftp://a.org",
    "a.org",
    "http://a.org/\u2003",
]
WHOLE = [1, 5, 0, 150, 151, -1, -0.0, 1.0, 1.5, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**70]
NUMBERS = [12.5, 12.34, *WHOLE, 0.1, 0.1 + 0.2, 1e15, 1e16, 1e22, 1e-7, 1e300, -0.5]
DECIMALS = [
    "0",
    "-0",
    "1.5",
    "12.50",
    "12.34",
    "1e5",
    "0.000001",
    "0.0000001",
    "007",
    "+1",
    " 1",
    "NaN",
    "٣",
]
UUIDS = [KEY, KEY.upper(), KEY.replace("-", ""), f"{{{KEY}}}", KEY[:-1], KEY[:-1] + "\n", "0" * 36]
DAYS = [
    "2024-01-31",
    "2024-02-28",
    "2024-02-29",
    "2023-02-29",
    "2024-04-31",
    "20240131",
    "0999-01-01",
    "2024-1-1",
]
HOURS = [
    "10:00:00",
    "10:00:00.5",
    "23:59:59.999999",
    "24:00:00",
    "10:00",
    "10:00:00.1234567",
    "10:00:60",
]
MOMENTS = [f"{day}{gap}{hour}" for day in DAYS[:4] for gap in "T " for hour in HOURS[:4]]
AWARE = [
    f"{each}{offset}"
    for each in MOMENTS
    for offset in ("Z", "+00:00", "-14:59", "+15:30", "+0100", "z", "")
]
DUMPED_HOURS = ["10:00:00", "10:00:00.500000", "10:00:00.000000", "10:00:00.5"]
DUMPED = [
    f"2024-01-31T{hour}{end}"
    for hour in DUMPED_HOURS
    for end in ("+00:00", "-00:00", "-05:30", "Z", "")
]
# Forms of JSON that nothing here writes by itself.
WRITTEN_TEXTS = ['"\\u0061"', '"a\\/b"', '"\\ud83d\\ude00"', '"\\u00e9\\n"', ' "a" ', '"\x7f"']
WRITTEN_NUMBERS = ["-0", "-0.0", "5.0e0", "1E2", "1e2", "0.10", "12.50", "12.05", "5e-324", "100.0"]
WRITTEN_NUMBERS += ["1.00000000000000000001", "123456789.123456", "1234567890.12345", "-0.5"]


def written(texts: list[str]) -> list[Any]:
    return [orjson.Fragment(text) for text in texts]


ANYTHING = [None, True, False, 0, 1, 1.5, "x", "true", [], {}, [1], {"a": 1}]


def typed_fields(random: Random) -> tuple[fields.Field[Any], Callable[[], Any]]:
    """A field, and what makes values for it."""

    def one_of(*values: list[Any]) -> Callable[[], Any]:
        """The first ones more often: they are good."""
        flat = [each for every in values for each in every]
        return lambda: flat[int(len(flat) * random.random() ** 3)]

    def rules(*found: Any) -> list[Any]:
        return [each for each in found if random.random() < 0.4]

    length = validate.Length(min=random.choice([None, 1, 2]), max=random.choice([None, 3, 10]))
    if random.random() < 0.1:
        length = validate.Length(equal=random.choice([0, 1]))
    span = validate.Range(
        min=random.choice([None, 0, 1, 0.5]),
        max=random.choice([None, 150, 150.5]),
        min_inclusive=random.random() < 0.5,
        max_inclusive=random.random() < 0.5,
    )
    common: dict[str, Any] = {
        "required": random.random() < 0.3,
        "allow_none": random.choice([None, True]),
    }
    if not common["required"] and random.random() < 0.2:
        common["load_only"] = True

    def text() -> tuple[fields.Field[Any], Callable[[], Any]]:
        several = rules(
            length, validate.OneOf(["a", "ab", "x" * 10, 5]), validate.Regexp("[a-x]+$")
        )
        if random.random() < 0.2:
            several = [validate.And(*several, validate.NoneOf(["ab"]))]
        common.update(rules_default("a"))
        return fields.String(validate=several, **common), one_of(TEXTS, written(WRITTEN_TEXTS))

    def rules_default(value: Any) -> dict[str, Any]:
        return {"load_default": value} if not common["required"] and random.random() < 0.3 else {}

    def whole() -> tuple[fields.Field[Any], Callable[[], Any]]:
        several = rules(span, validate.OneOf([1, 5, 150]), validate.NoneOf([5]))
        strict = random.random() < 0.7
        common.update(rules_default(1))
        values = one_of(WHOLE, written(WRITTEN_NUMBERS))
        return fields.Integer(strict=strict, validate=several, **common), values

    def part(depth: int = 0) -> tuple[fields.Field[Any], Callable[[], Any]]:
        kinds: list[Callable[[], Any]] = [text, whole]
        kinds.append(
            lambda: (
                fields.Float(validate=rules(span), allow_none=common["allow_none"]),
                one_of(NUMBERS, written(WRITTEN_NUMBERS)),
            )
        )
        kinds.append(lambda: (fields.Boolean(), one_of([True, False])))
        kinds.append(lambda: (fields.Email(), one_of(ADDRESSES)))
        kinds.append(lambda: (fields.UUID(), one_of(UUIDS)))
        kinds.append(lambda: (fields.Date(), one_of(DAYS)))
        kinds.append(lambda: (fields.Time(), one_of(HOURS, DUMPED_HOURS)))
        kinds.append(
            lambda: (
                random.choice([fields.AwareDateTime, fields.DateTime, fields.NaiveDateTime])(),
                one_of(DUMPED, AWARE),
            )
        )
        if depth < 2:
            kinds += [lambda: container(depth + 1)] * 2
        inner, value = random.choice(kinds)()
        inner.load_only = False
        if random.random() < 0.9:
            inner.load_default = missing
        return inner, value

    def container(depth: int = 0) -> tuple[fields.Field[Any], Callable[[], Any]]:
        kind = random.choice(["list", "dict", "object", "objects"])
        several = rules(validate.Length(min=1, max=2))
        if kind == "list":
            inner, value = part(depth)
            return fields.List(inner, validate=several, **common), lambda: [
                value() for _ in range(random.randrange(4))
            ]
        if kind == "dict":
            inner, value = part(depth)
            return fields.Dict(keys=fields.String(), values=inner, **common), lambda: {
                random.choice(TEXTS): value() for _ in range(random.randrange(3))
            }
        made = {f"n{number}": part(depth) for number in range(random.randrange(1, 4))}
        schema = Schema.from_dict({name: field for name, (field, _) in made.items()})
        many = kind == "objects"
        unknown = random.choice([RAISE, EXCLUDE])

        def one() -> dict[str, Any]:
            found = {name: value() for name, (_, value) in made.items() if random.random() < 0.8}
            return found | ({"other": 1} if random.random() < 0.05 else {})

        return fields.Nested(
            schema(unknown=unknown, many=many), many=many, **common
        ), lambda: [one() for _ in range(random.randrange(3))] if many else one()

    kinds = [
        text,
        text,
        whole,
        lambda: (
            fields.Float(validate=rules(span), **common),
            one_of(NUMBERS, written(WRITTEN_NUMBERS)),
        ),
        lambda: (fields.Boolean(**common, **rules_default(True)), one_of([True, False])),
        lambda: (fields.Email(validate=rules(length), **common), one_of(ADDRESSES)),
        lambda: (fields.URL(**common), one_of(URLS)),
        lambda: (
            fields.URL(
                schemes=random.choice([{"https"}, {"http", "ftp"}, {"http", "https", "ftp"}]),
                relative=random.random() < 0.5,
                validate=rules(length),
                **common,
            ),
            one_of(URLS),
        ),
        lambda: (fields.UUID(**common), one_of(UUIDS)),
        lambda: (fields.Enum(Colour, **common), one_of(["red", "green", "crimson", "r"])),
        lambda: (
            fields.Decimal(places=random.choice([None, 0, 2]), validate=rules(span), **common),
            one_of(DECIMALS, NUMBERS, written(WRITTEN_NUMBERS)),
        ),
        lambda: (fields.Date(**common), one_of(DAYS)),
        lambda: (fields.Time(**common), one_of(HOURS)),
        lambda: (fields.NaiveDateTime(**common), one_of(MOMENTS, AWARE)),
        lambda: (fields.AwareDateTime(**common), one_of(MOMENTS, AWARE)),
        container,
        container,
    ]
    field, value = random.choice(kinds)()
    if random.random() < 0.2:
        field.data_key = f"Key {random.randrange(10**6)}"
    if random.random() < 0.1:
        field.attribute = f"place {random.randrange(10**6)}"
    if common["allow_none"] and random.random() < 0.1:
        field.dump_default = None
    return field, value


def resource_of(random: Random) -> tuple[Resource, dict[str, Callable[[], Any]]] | None:
    names = random.sample(NAMES, random.randrange(1, 6))
    made = {name: typed_fields(random) for name in names}
    if random.random() < 0.1:
        made["id"] = fields.Integer(dump_only=True), lambda: random.choice([5, None])
    elif random.random() < 0.4:
        made["id"] = fields.UUID(required=random.random() < 0.5), lambda: random.choice(UUIDS[:2])
    schema = Schema.from_dict({name: field for name, (field, _) in made.items()})
    plain = schema(unknown=random.choice([RAISE, EXCLUDE]))
    values = {field.data_key or name: value for name, (field, value) in made.items()}
    try:
        whole = Resource("drawn", plain)
        scalar = [each for each in whole.fields if each.type is not ColumnType.JSONB]
        keys = [each.name for each in scalar if each.type in KEY_TYPES and each.shown]
        unique = [each.name for each in scalar if random.random() < 0.2]
        return Resource(
            "drawn", plain, key=random.choice(["id", "id", *keys]), unique=unique
        ), values
    except ConfigurationError:
        return None


def item_of(random: Random, resource: Resource, values: dict[str, Callable[[], Any]]) -> Any:
    sloppy = random.random() < 0.3
    item = {}
    for name, value in values.items():
        if random.random() < (0.6 if sloppy else 0.93):
            item[name] = random.choice(ANYTHING) if random.random() < 0.03 else value()
    if resource.server_key and random.random() < 0.5:
        item["id"] = random.choice([*UUIDS[:2], KEY, KEY, 5, None])
    if random.random() < 0.03:
        item[random.choice(["other", "$i", "$set", "$key", "meta"])] = random.choice(ANYTHING)
    return random.choice(ANYTHING) if random.random() < 0.02 else item


def identity_of(random: Random, item: Any, identity: str) -> Any:
    """What a DELETE has of an item: usually no more than what identifies it, or this alone."""
    if not isinstance(item, dict) or random.random() < 0.1:
        return item
    only = {name: value for name, value in item.items() if name == identity}
    return only.get(identity) if random.random() < 0.1 else only


@pytest.mark.timeout(0)
def test_typed_items_are_staged_as_the_record_writer_would() -> None:
    taken = compared = 0
    start = int(os.environ.get("FUZZ_SEED", "1"))
    for seed in range(start, start + SCHEMAS):
        random = Random(seed)
        found = resource_of(random)
        if found is None:
            continue
        resource, values = found
        scalar = [each for each in resource.fields if resource.may_match(each)]
        options = Options(
            resolution=random.choice([*Resolution]),
            matching=random.choice([None, None, *(each.name for each in scalar)]),
        )
        action = random.choice([Action.CREATE, Action.CREATE, Action.UPDATE, Action.DELETE])
        fast, reference = (ItemValidator(resource, action, options) for _ in range(2))
        reference.accept = reference.write = None
        items = [item_of(random, resource, values) for _ in range(ITEMS)]
        if action is Action.DELETE:
            identity = resource.identity(options.matching).data_key
            items = [identity_of(random, item, identity) for item in items]
        taken += compare_typed(fast, reference, items, seed)
        compared += ITEMS
    assert taken > compared / 15, (taken, compared)
