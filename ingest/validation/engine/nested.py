"""Fields that hold nested schemas with user code in them, or that contain themselves.

Such a field loads as marshmallow's does, because it is a copy of it; only the nested schemas are
others, whose loads are compiled. Each is compiled when the first value comes for it: a schema that
contains itself has no end.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial as bind
from typing import Any

from marshmallow import Schema, fields

from ingest.validation.engine.by_options import ByOptions
from ingest.validation.engine.known import HARMLESS, check_own_methods
from ingest.validation.engine.load import Partial
from ingest.validation.engine.self_use import Rules, check_method
from ingest.validation.engine.source import Uncompiled

_CONTAINERS = frozenset({fields.Dict, fields.List, fields.Nested, fields.Pluck, fields.Tuple})
_RULES = Rules(
    theirs=frozenset(name for each in _CONTAINERS for name in dir(each)).union(
        vars(fields.Dict()), vars(fields.List(fields.Raw)), vars(fields.Tuple(())),
        vars(fields.Pluck(Schema, "name")),
    ),
    readable=frozenset({"allow_none", "data_key", "error_messages", "make_error", "name"}),
)  # fmt: skip
_MAX_LINES = 16_000
_MIN_LINES = 250  # so that there are at most 64 functions
_OPTIONS_AT_MOST = 4  # a field is loaded with one set of them for each that the outer load has


CompileNested = Callable[
    [Schema, Partial, str | None, "NestedLoads"], tuple[Callable[[Any], Any], str]
]
"""Compiles the load of a nested schema with `partial` and `unknown`, and of those nested in it.

Gives the load, and the text of its function.
"""


class NestedLoads:
    """Makes the loads of the schemas nested in one, at most so many lines of them."""

    def __init__(self, compile_load: CompileNested) -> None:
        self._compile, self._left = compile_load, _MAX_LINES

    def field(self, field: fields.Field[Any]) -> fields.Field[Any]:
        """A copy of `field` whose nested schemas load by compiled functions.

        Raises:
            Uncompiled: there is nothing nested in it, or it may look at it in a way of its own.
        """
        kind = _container_class(field)
        made = copy.copy(field)
        if isinstance(field, fields.Nested):
            vars(made)["_schema"] = self._stand_in(field)
        elif kind is fields.Tuple:
            made.tuple_fields = self._each(made.tuple_fields)  # type: ignore[attr-defined]
        elif kind is fields.List:
            [made.inner] = self._each([made.inner])  # type: ignore[attr-defined]
        else:
            parts = ("key_field", "value_field")
            held = {name: getattr(made, name) for name in parts if getattr(made, name) is not None}
            vars(made).update(zip(held, self._each([*held.values()]), strict=True))
        return made

    def _each(self, inner: Sequence[fields.Field[Any]]) -> list[fields.Field[Any]]:
        made: list[fields.Field[Any]] = []
        reason: Uncompiled | None = None
        for field in inner:
            try:
                made.append(self.field(field))
            except Uncompiled as left:
                made.append(field)
                reason = left
        if reason is not None and all(new is old for new, old in zip(made, inner, strict=True)):
            raise reason
        if not made:
            raise Uncompiled("there is nothing nested in it")
        return made

    def _stand_in(self, field: fields.Nested) -> "_StandIn":
        try:
            schema = field.schema
        except Exception as error:  # noqa: BLE001 - whatever it is, marshmallow will raise it
            raise Uncompiled(f"its schema cannot be found ({type(error).__name__})") from None
        made = ByOptions(
            bind(self._compiled, schema), _OPTIONS_AT_MOST, otherwise=bind(_marshmallow, schema)
        )
        return _StandIn(schema, schema.many, schema.fields, made)

    def _compiled(
        self, schema: Schema, many: bool | None, partial: Partial, unknown: str | None
    ) -> Callable[[Any], Any]:
        if self._left <= 0:
            return _marshmallow(schema, many, partial, unknown)
        load, source = self._compile(schema, partial, unknown, self)
        self._left -= max(source.count("\n"), _MIN_LINES)
        return load


def _marshmallow(
    schema: Schema, _many: bool | None, partial: Partial, unknown: str | None
) -> Callable[[Any], Any]:
    """The schema's own load, called as `Nested` calls it."""
    load: Callable[..., Any] = schema.load
    return bind(load, unknown=unknown, partial=partial)


def _container_class(field: fields.Field[Any]) -> type:
    """The class of marshmallow's that `field` is an object of, and uses only through `super()`."""
    cls = type(field)
    kind = next((each for each in cls.__mro__ if each in _CONTAINERS), None)
    if kind is None or cls.__mro__[cls.__mro__.index(kind) :] != kind.__mro__:
        raise Uncompiled("there is nothing nested in it")
    check_own_methods(field)
    for each in cls.__mro__[: cls.__mro__.index(kind)]:
        for name in vars(each).keys() & (_RULES.theirs - HARMLESS):
            if name != "_deserialize":
                raise Uncompiled(f"{each.__name__} defines {name}")
            check_method(vars(each)[name], field, name, _RULES)
    return kind


@dataclass(frozen=True, slots=True)
class _StandIn:
    """What a `Nested` or `Pluck` looks at of its schema when it loads."""

    schema: Schema
    many: bool
    fields: dict[str, fields.Field[Any]]
    loads: ByOptions[Callable[[Any], Any]]

    def load(self, data: Any, *, unknown: str | None = None, partial: Partial = None) -> Any:
        return self.loads.get(None, partial, unknown)(data)
