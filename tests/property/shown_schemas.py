"""Schemas with code of their users in every place where marshmallow lets them put some.

Each becomes a shape: a resource, items that the schema takes, and changes of them. What user code
shows is made of what it sees, types included: an item that is rebuilt otherwise than it was loaded
shows something else.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import reject
from hypothesis import strategies as st
from marshmallow import (
    EXCLUDE,
    INCLUDE,
    RAISE,
    Schema,
    ValidationError,
    fields,
    missing,
    post_dump,
    post_load,
    pre_dump,
    pre_load,
)
from marshmallow.utils import get_value

from ingest import Resource
from ingest.errors import NOT_STORABLE, ConfigurationError
from ingest.model import Action, Options
from ingest.resources.records import InvalidItem
from ingest.validation.items import ItemValidator
from tests.property.json_values import as_json
from tests.property.strategies import STRINGS, Drawn, any_field, one_of
from tests.schema_shapes.oracle import Held
from tests.schema_shapes.shape import Item, Shape

_NAMES = ("a", "b", "c", "name", "value", "x-y", "class", "né", "$d")
_ITEMS, _CHANGES, _TRIES = 3, 3, 30


class Thing:
    """An object of the user's."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__ |= attributes


class Mine(dict[str, Any]):
    """A dict of the user's."""


def seen(value: Any) -> str:
    """A loaded value as a text that tells its type and all of its parts."""
    if isinstance(value, Thing):
        return f"Thing({seen(vars(value))})"
    if isinstance(value, dict):
        return f"dict({sorted((seen(key), seen(each)) for key, each in value.items())})"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(seen, value))})"
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}({sorted(map(seen, value))})"
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, Decimal):
        return f"Decimal({value.normalize() + 0})"
    return f"{type(value).__name__}({value})"


def look(item: Any, name: str) -> str:
    """What user code sees of an item, a dict or an object."""
    value = get_value(item, name, missing)
    return "nothing" if value is missing else seen(value)


class Csv(fields.Field[list[str]]):
    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> Any:
        return None if value is None else ",".join(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> list[str]:
        if not isinstance(value, str):
            raise ValidationError("No text.")
        return value.split(",")


class CsvText(fields.String):
    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> Any:
        return None if value is None else ",".join(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, attr, data, **kwargs).split(",")


class Cents(fields.Integer):
    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> Any:
        return None if value is None else int(value * 100)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return Decimal(super()._deserialize(value, attr, data, **kwargs)) / 100


class Days(fields.Field[set[dt.date]]):
    """Loads what JSON has no form for."""

    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> Any:
        return None if value is None else sorted(day.isoformat() for day in value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> set[dt.date]:
        try:
            return set(map(dt.date.fromisoformat, value))
        except (TypeError, ValueError):
            raise ValidationError("No days.") from None


class Shout(fields.String):
    def serialize(self, attr: str, obj: Any, accessor: Any = None, **kwargs: Any) -> Any:
        value = super().serialize(attr, obj, accessor, **kwargs)
        return f"{value}!" if isinstance(value, str) else value


class Neighbour(fields.String):
    """Shows what stands beside it, too."""

    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> Any:
        return None if value is None else f"{value} {look(obj, 'a')}"


def _cents(random: Random) -> Any:
    return random.choice((1999, "5", 0, -7))


_DAYS: tuple[Any, ...] = (["2024-02-29", "2023-01-01"], [], ["0001-01-01"])
_OWN: tuple[Callable[[], Drawn], ...] = (
    lambda: Drawn(Csv(), one_of("a,bb", "", "x")),
    lambda: Drawn(CsvText(), one_of("a,bb", "", "x")),
    lambda: Drawn(Cents(), _cents),
    lambda: Drawn(Days(), one_of(*_DAYS)),
    lambda: Drawn(Shout(), one_of(*STRINGS)),
    lambda: Drawn(Neighbour(), one_of(*STRINGS)),
    lambda: Drawn(
        fields.String(pre_load=str.strip, post_load=lambda text: text.split("b")),
        one_of("abc", " a "),
    ),
    lambda: Drawn(fields.List(Csv()), one_of(["a,b", ""], [])),
    lambda: Drawn(fields.Dict(values=Cents()), one_of({"k": 5}, {})),
    lambda: Drawn(fields.Tuple((Csv(), fields.Date())), one_of(["a,b", "2024-02-29"])),
)


_SHOWING_WHAT_THEY_LOAD = (fields.String, fields.Integer, fields.Boolean, fields.UUID, fields.Date)


@dataclass
class _Class:
    """A schema class that is being drawn."""

    body: dict[str, Any] = field(default_factory=dict)
    makers: dict[str, Callable[[Random], Any]] = field(default_factory=dict)
    """By data_key."""
    envelope: bool = False
    loads_objects: bool = False
    renames: dict[str, str] = field(default_factory=dict)
    """The names that a hook makes data_keys of."""
    watched: dict[str, str] = field(default_factory=dict)
    """By the fields that look at others: which these are."""


@st.composite
def _fields(draw: st.DrawFn, random: Random, made: _Class, depth: int, *, inside: bool) -> None:
    names = random.sample(_NAMES, random.randint(1, 5))
    for name in names:
        kind = random.randint(0, 11)
        if kind <= 2:
            drawn = random.choice(_OWN)()
        elif kind == 3 and depth:
            drawn = draw(_nested(random, depth - 1))
        else:
            drawn = draw(any_field(1))
        one = drawn.field
        extra = random.randint(0, 15)
        if extra == 0 and not inside:
            one.load_only = True
        elif extra == 1:
            one.dump_only = True
        elif extra == 2:
            one.dump_default = random.choice([None, _loaded(one, drawn.make(random))])
        elif extra in (3, 4):
            one.allow_none = True
        elif extra == 5 and not one.required:
            one.load_default = None
            one.allow_none = True
        if one.load_default not in (missing, None):
            one.load_default = _loaded(one, drawn.make(random))
        if random.randint(0, 6) == 0:
            one.data_key = f"{name} Key"
        if random.randint(0, 8) == 0:
            one.attribute = random.choice([f"{name}_attr", f"in.{name}", f"in.at.{name}"])
        made.body[name] = one
        if not one.dump_only:
            made.makers[name if one.data_key is None else one.data_key] = drawn.make
    if random.randint(0, 2) == 0:
        watched = random.choice(names)
        made.watched["shown"] = watched
        made.body["shown"] = fields.Function(
            lambda item, watched=watched: look(item, watched), data_key="shown by function"
        )
    if random.randint(0, 5) == 0:
        watched = random.choice(names)
        made.watched["told"] = watched
        made.body["told"] = fields.Method("tell")
        made.body["tell"] = lambda self, item, watched=watched: look(item, watched)
    if random.randint(0, 7) == 0:
        made.body["read"] = fields.Function(
            lambda item: look(item, "read"), deserialize=lambda value: [value, dt.date(2024, 1, 1)]
        )
        made.makers["read"] = one_of("x", 1)


def _loaded(field: fields.Field[Any], value: Any) -> Any:
    """A default that the field itself could have loaded."""
    try:
        return field.deserialize(as_json(value))
    except Exception:  # noqa: BLE001 - it does not take this one
        return missing


def _add_loading(random: Random, made: _Class, *, inside: bool) -> None:
    """Hooks and overrides of loading."""
    before = random.randint(0, 9)
    if before == 0:
        made.envelope = True

        def unwrap(self: Any, data: Any, **_: Any) -> Any:
            return data["data"] if isinstance(data, dict) and "data" in data else data

        made.body["unwrap"] = pre_load(pass_collection=random.random() < 0.5)(unwrap)
    elif before == 1 and made.makers:
        new = random.choice(sorted(made.makers))
        made.renames[f"old {new}"] = new

        def rename(self: Any, data: Any, **_: Any) -> Any:
            if isinstance(data, dict) and f"old {new}" in data:
                data[new] = data.pop(f"old {new}")
            return data

        made.body["rename"] = pre_load(rename)
    after = random.randint(0, 9)
    if after == 0:
        made.body["make"] = post_load(lambda self, data, **_: Thing(**data))
        made.loads_objects = not inside
        # To compute anew, an object is made of what it has shown: that has to be what they load.
        for name, watched in made.watched.items() if not inside else ():
            if type(made.body[watched]) not in _SHOWING_WHAT_THEY_LOAD:
                del made.body[name]
    elif after == 1:
        made.body["make"] = post_load(lambda self, data, **_: Mine(data))
    elif after == 2:

        def add(self: Any, data: Any, original: Any, **_: Any) -> Any:
            data["added"] = [dt.date(2024, 2, 29), {"n": (1, Decimal("1.50"))}]
            return data

        made.body["add"] = post_load(add, pass_original=True)
    elif after == 3:

        def normalise(self: Any, data: Any, **_: Any) -> Any:
            for name, value in data.items():
                if isinstance(value, str) and name != "key":
                    data[name] = value.strip()
            return data

        made.body["normalise"] = post_load(normalise)
    elif after == 4:

        def load(self: Any, data: Any, **kwargs: Any) -> Any:
            loaded = super(self.__class__, self).load(data, **kwargs)
            return {**loaded, "more": dt.timedelta(1)} if isinstance(loaded, dict) else loaded

        made.body["load"] = load


def _add_dumping(random: Random, made: _Class) -> None:
    """Hooks and overrides of dumping."""
    if random.randint(0, 7) == 0:

        def prepare(self: Any, item: Any, **_: Any) -> Any:
            return {**item, "prepared": 1} if isinstance(item, dict) else item

        made.body["prepare"] = pre_dump(prepare)
    after = random.randint(0, 11)
    if after == 0:
        made.body["drop"] = post_dump(
            lambda self, shown, **_: {k: v for k, v in shown.items() if v is not None}
        )
    elif after == 1:
        made.body["wrap"] = post_dump(pass_collection=random.random() < 0.5)(
            lambda self, shown, **_: {"data": shown}
        )
    elif after == 2:

        def describe(self: Any, shown: Any, item: Any, **_: Any) -> Any:
            if isinstance(item, dict):
                shown["described"] = sorted(map(str, item))
            return shown

        made.body["describe"] = post_dump(describe, pass_original=True)
    elif after == 3:

        def dump(self: Any, obj: Any, **kwargs: Any) -> Any:
            return {"wrapped": super(self.__class__, self).dump(obj, **kwargs)}

        made.body["dump"] = dump
    elif after == 4 and not (made.loads_objects and made.watched):

        def get_attribute(self: Any, obj: Any, attr: str, default: Any) -> Any:
            value = super(self.__class__, self).get_attribute(obj, attr, default)
            return value.title() if isinstance(value, str) else value

        made.body["get_attribute"] = get_attribute
    elif after == 5:

        def count(self: Any, shown: Any, **_: Any) -> Any:
            shown["members"] = len(shown)
            return shown

        made.body["count"] = post_dump(count)


def _finished(made: _Class, unknown: Any) -> type[Schema]:
    meta = type("Meta", (), {"unknown": unknown, "register": False})
    return type("Drawn", (Schema,), {**made.body, "Meta": meta})


@st.composite
def _nested(draw: st.DrawFn, random: Random, depth: int) -> Drawn:
    made = _Class()
    draw(_fields(random, made, depth, inside=True))
    _add_loading(random, made, inside=True)
    _add_dumping(random, made)
    schema = _finished(made, random.choice([RAISE, INCLUDE, EXCLUDE]))
    many = random.choice(["one", "many", "list", "dict"])

    def make(random: Random) -> Any:
        return _make_item(random, made)

    def make_list(random: Random) -> Any:
        return [make(random) for _ in range(random.randrange(3))]

    if many == "many":
        return Drawn(fields.Nested(schema, many=True), make_list)
    if many == "list":
        return Drawn(fields.List(fields.Nested(schema)), make_list)
    if many == "dict":
        return Drawn(fields.Dict(values=fields.Nested(schema)), lambda r: {"k": make(r)})
    return Drawn(fields.Nested(schema), make)


def _make_item(random: Random, made: _Class) -> dict[str, Any]:
    absent = random.choice((0, 0, 0.2, 0.5))
    item = {}
    for name, make in made.makers.items():
        if random.random() >= absent:
            item[name] = None if random.random() < 0.1 else make(random)
    for old, new in made.renames.items():
        if new in item and random.random() < 0.5:
            item[old] = item.pop(new)
    if random.random() < 0.1:
        item["unknown"] = random.choice((1.0, [1e22, -0.0], {"b": 1, "a": None}, "x"))
    if made.envelope and random.random() < 0.5:
        return {"data": item}
    return item


@st.composite
def shapes(draw: st.DrawFn, seed: int) -> Shape:
    """A shape with items and changes.

    Hypothesis draws its fields. What users add of their own is chosen by the seed: Hypothesis
    would leave most of it out, for the sake of small examples.
    """
    random, made = Random(seed), _Class()
    draw(_fields(random, made, 2, inside=False))
    own = random.randint(0, 3) == 0
    if not own:
        made.body = {"key": fields.Integer(required=True), **made.body}
    _add_loading(random, made, inside=False)
    _add_dumping(random, made)
    schema = _finished(made, random.choice([RAISE, INCLUDE, EXCLUDE]))
    key = "id" if own else "key"
    try:
        resource = Resource("drawn", schema, key=key)
    except (ConfigurationError, KeyError, ValueError):  # marshmallow's, for names that clash
        reject()
    drawn = _Drawing(resource, made, random)
    items = drawn.items()
    if not items:
        reject()
    return Shape(f"drawn{seed}", resource.schema, items, drawn.changes(items), key=key)


class _Drawing:
    """Makes items and changes for a resource that its schema takes, and can show."""

    def __init__(self, resource: Resource, made: _Class, random: Random) -> None:
        self._resource, self._made, self._random = resource, made, random
        self._create = ItemValidator(resource, Action.CREATE, Options())
        self._update = ItemValidator(resource, Action.UPDATE, Options())

    def items(self) -> list[Item]:
        found: list[Item] = []
        for _ in range(_TRIES):
            item = self._with_key(as_json(_make_item(self._random, self._made)), len(found))
            if self._taken(item) and self._stored(self._create, item):
                found.append(item)
            if len(found) == _ITEMS:
                break
        return found

    def changes(self, items: list[Item]) -> list[tuple[int, Item]]:
        found: list[tuple[int, Item]] = []
        held = [Held(self._resource, item) for item in items]
        for _ in range(_TRIES):
            index = self._random.randrange(len(items))
            change = as_json(_make_item(self._random, self._made))
            inner = change.get("data", change) if self._made.envelope else change
            for name in list(inner):
                if self._random.random() < 0.5:
                    del inner[name]
            change = self._with_key(change, index)
            if self._changes(held, index, change) and self._stored(self._update, change):
                found.append((index, change))
            if len(found) == _CHANGES:
                break
        return found

    def _with_key(self, item: dict[str, Any], key: int) -> dict[str, Any]:
        if self._resource.own_key:
            return item
        inside = self._made.envelope and "data" in item
        return {"data": {"key": key, **item["data"]}} if inside else {"key": key, **item}

    def _taken(self, item: Mapping[str, Any]) -> bool:
        """Whether marshmallow loads and dumps an item."""
        try:
            Held(self._resource, item).shown()
        except Exception:  # noqa: BLE001 - code of the drawn schema may raise anything
            return False
        return True

    def _changes(self, held: list[Held], index: int, change: Mapping[str, Any]) -> bool:
        changed = deepcopy(held[index])
        try:
            changed.change(change)
            changed.shown()
        except Exception:  # noqa: BLE001 - code of the drawn schema may raise anything
            return False
        held[index] = changed
        return True

    def _stored(self, validator: ItemValidator, item: Mapping[str, Any]) -> bool:
        """Whether PostgreSQL can hold the values; what it can hold must not be refused."""
        sent = {"id": str(UUID(int=1)), **item} if self._resource.own_key else dict(item)
        try:
            validator.check(0, sent)
        except InvalidItem as refused:
            return not all(
                each.code is NOT_STORABLE and "loaded as" not in each.message
                for each in refused.errors
            )
        return True
