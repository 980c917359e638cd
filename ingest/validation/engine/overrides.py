"""Overrides of `load` that pass on, and do more: the user's code around the compiled load.

An override runs as it is, once for each load. Only `super().load` is another one to it: that of a
stand-in, which is the schema in every other respect. That gives what marshmallow gives as long as
the override does not change what has been compiled, so what it does with `self` is read first.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import Any, Self

from marshmallow import Schema

from ingest.validation.engine.known import LOADS
from ingest.validation.engine.passing_on import passes_on
from ingest.validation.engine.self_use import Rules, check_method
from ingest.validation.engine.source import Uncompiled

_Method = Callable[..., Any]

_RULES = Rules(
    theirs=frozenset(dir(Schema())),
    readable=frozenset({"exclude", "many", "only", "opts", "partial", "unknown"}),
)


@dataclass(frozen=True, slots=True)
class Overrides:
    """The overrides of `load` and `_do_load` of one schema, the outermost of each first."""

    schema: Schema
    loads: Sequence[FunctionType]
    do_loads: Sequence[FunctionType]

    @classmethod
    def of(cls, schema: Schema) -> Self:
        """Those of a schema.

        Raises:
            Uncompiled: one does more than pass on, or may do so.
        """
        return cls(schema, *(_overrides_of(schema, name) for name in LOADS))

    def __bool__(self) -> bool:
        return bool(self.loads or self.do_loads)

    @property
    def names(self) -> list[str]:
        """The names of the methods that are overridden."""
        return [
            name for name, found in zip(LOADS, (self.loads, self.do_loads), strict=True) if found
        ]

    def around(self, load_with: Callable[[Any, Any, Any], Callable[[Any], Any]]) -> _Method:
        """The schema's `load`: the overrides, and what `load_with(many, partial, unknown)` gives.

        The functions inside have the names and parameters of marshmallow's, which overrides see.
        """
        schema = self.schema

        def _do_load(
            data: Any,
            *,
            many: Any = None,
            partial: Any = None,
            unknown: Any = None,
            postprocess: bool = True,
        ) -> Any:
            if not postprocess:
                options = {"many": many, "partial": partial, "unknown": unknown}
                return Schema._do_load(schema, data, **options, postprocess=postprocess)
            return load_with(many, partial, unknown)(data)

        def load(data: Any, *, many: Any = None, partial: Any = None, unknown: Any = None) -> Any:
            return load_with(many, partial, unknown)(data)

        def load_by_parts(
            data: Any, *, many: Any = None, partial: Any = None, unknown: Any = None
        ) -> Any:
            return do_load(data, many=many, partial=partial, unknown=unknown, postprocess=True)

        load.__qualname__ = load_by_parts.__qualname__ = Schema.load.__qualname__
        _do_load.__qualname__ = Schema._do_load.__qualname__
        do_load = _run_over(schema, self.do_loads, "_do_load", _do_load)
        return _run_over(schema, self.loads, "load", load_by_parts if self.do_loads else load)


def _overrides_of(schema: Schema, name: str) -> list[FunctionType]:
    if passes_on(schema, name):
        return []
    if name in vars(schema):
        raise Uncompiled(f"the schema object has its own {name}")
    found = []
    for cls in itertools.takewhile(lambda cls: cls is not Schema, type(schema).__mro__):
        if name in vars(cls):
            function = vars(cls)[name]
            try:
                _check_super(function, cls, name)
                check_method(function, schema, name, _RULES)
            except Uncompiled as left:
                raise Uncompiled(f"the schema overrides {name}, which {left}") from None
            found.append(function)
    return found


def _check_super(function: Any, cls: type, name: str) -> None:
    """Make sure that an override has a `super()`, that of its class."""
    if type(function) is not FunctionType:
        raise Uncompiled("is no plain function")
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    if "__class__" not in cells or cells["__class__"].cell_contents is not cls:
        raise Uncompiled(f"does not call super().{name}")


def _run_over(
    schema: Schema, overrides: Sequence[FunctionType], name: str, last: _Method
) -> _Method:
    """The outermost of the overrides, with `last` as the method that the innermost one calls."""
    method = last
    for override in reversed(overrides):
        method = _with_super(schema, override, name, method)
    return method


def _with_super(schema: Schema, override: FunctionType, name: str, method: _Method) -> _Method:
    above = type("Above", (), {"__slots__": (), name: staticmethod(method)})

    class StandIn(above):  # type: ignore[misc, valid-type]
        """The schema, but for its `super()`."""

        __slots__ = ()

        def __getattribute__(self, attribute: str) -> Any:
            return getattr(schema, attribute)

        def __setattr__(self, attribute: str, value: Any) -> None:
            setattr(schema, attribute, value)

    closure = [
        CellType(StandIn) if free == "__class__" else cell
        for free, cell in zip(
            override.__code__.co_freevars, override.__closure__ or (), strict=True
        )
    ]
    again = FunctionType(
        override.__code__, override.__globals__, override.__name__, override.__defaults__,
        tuple(closure),
    )  # fmt: skip
    again.__kwdefaults__ = override.__kwdefaults__
    bound: _Method = again.__get__(StandIn())
    return bound
