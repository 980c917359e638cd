"""Overrides of `load` that pass on, and do more: the user's code around the compiled load.

An override runs as it is, once for each load. Only `super().load` is another one to it: that of a
stand-in, which is the schema in every other respect. That gives what marshmallow gives as long as
the override does not change what has been compiled, so what it does with `self` is read first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import Any, Self

from marshmallow import Schema

from ingest.validation.engine.known import LOADS
from ingest.validation.engine.passing_on import override_passes_on, overriding
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
        """The schema's `load`: the overrides around what `load_with(many, partial, unknown)` is."""

        def compiled(data: Any, many: Any, partial: Any, unknown: Any) -> Any:
            return load_with(many, partial, unknown)(data)

        def by_parts(data: Any, many: Any, partial: Any, unknown: Any) -> Any:
            return do_load(data, many=many, partial=partial, unknown=unknown, postprocess=True)

        do_load = self._run(self.do_loads, "_do_load", compiled, ({}, {"postprocess": True}))
        return self._run(self.loads, "load", by_parts if self.do_loads else compiled, ({},))

    def _run(
        self, overrides: Sequence[FunctionType], name: str, method: _Method, usual: Sequence[Any]
    ) -> _Method:
        """The outermost of the overrides, with `method` as the one that the innermost one calls.

        Args:
            usual: the further arguments with which that may be. With others, the innermost one
                calls what marshmallow would call.
        """

        def last(
            data: Any, *, many: Any = None, partial: Any = None, unknown: Any = None, **more: Any
        ) -> Any:
            if more in usual:
                return method(data, many, partial, unknown)
            real = getattr(super(_class_of(overrides[-1]), self.schema), name)
            return real(data, many=many, partial=partial, unknown=unknown, **more)

        last.__qualname__ = f"Schema.{name}"
        outermost: _Method = last
        for override in reversed(overrides):
            outermost = _with_super(self.schema, override, name, outermost)
        return outermost


def _overrides_of(schema: Schema, name: str) -> list[FunctionType]:
    if name in vars(schema):
        raise Uncompiled(f"the schema object has its own {name}")
    found = []
    for cls in overriding(schema, name):
        if not override_passes_on(schema, cls, name):
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
    if _class_of(function) is not cls:
        raise Uncompiled(f"does not call super().{name}")


def _class_of(function: FunctionType) -> Any:
    """The class whose `super()` a function uses; None where it uses none."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    return cells["__class__"].cell_contents if "__class__" in cells else None


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
