"""Overrides of `load` that pass on, and do more: the user's code around the compiled load.

An override runs as it is, once for each load. Only `super().load` is another one to it: that of a
stand-in, which is the schema in every other respect. That gives what marshmallow gives as long as
the override does not change what has been compiled, so its code is read first: it must not do more
with `self` than call `super().load`, and use attributes that no load of marshmallow's looks at.
Anything else, and any code that cannot be read, is left to marshmallow.
"""

import dis
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType
from typing import Any, Self

from marshmallow import Schema

from ingest.validation.engine.known import LOADS
from ingest.validation.engine.passing_on import passes_on
from ingest.validation.engine.source import Uncompiled

_Method = Callable[..., Any]

_READ_ONLY = frozenset({"exclude", "many", "only", "opts", "partial", "unknown"})
"""Attributes of marshmallow's that may be read: changing what they hold changes no load."""
_REACHING = frozenset(
    {
        "__class__", "__dict__", "__self__", "__setattr__", "_getframe", "delattr", "eval", "exec",
        "locals", "setattr", "vars",
    }
)  # fmt: skip
"""Names with which code may change an object that it does not call by its name."""
_SILENT = frozenset({"CACHE", "EXTENDED_ARG", "NOP", "PRECALL"})


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
    for cls in type(schema).__mro__:
        if cls is Schema:
            break
        if name in vars(cls):
            function = vars(cls)[name]
            try:
                _check_super(function, cls, name)
                _check(function, schema, name)
            except Uncompiled as left:
                raise Uncompiled(f"the schema overrides {name}, which {left}") from None
            found.append(function)
    return found


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


def _check_super(function: Any, cls: type, name: str) -> None:
    """Make sure that `super()` is the next class's, and used."""
    if type(function) is not FunctionType:
        raise Uncompiled("is no plain function")
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    if "__class__" not in cells or cells["__class__"].cell_contents is not cls:
        raise Uncompiled(f"does not call super().{name}")
    if "super" in function.__globals__:
        raise Uncompiled("has a super of its own")


def _check(function: Any, schema: Schema, name: str, seen: tuple[CodeType, ...] = ()) -> None:
    """Make sure that a method does nothing to its `self` that changes a load.

    Args:
        name: what it may call of its super; empty for nothing.
        seen: the methods that are being read already.
    """
    if type(function) is not FunctionType or not function.__code__.co_argcount:
        raise Uncompiled("is called through other code")
    code = function.__code__
    if code in seen:
        return
    own = code.co_varnames[0]
    if own in code.co_cellvars:
        raise Uncompiled("hands its self to a function inside")
    for each in _codes(code):
        if reaching := _REACHING & {*each.co_names}:
            raise Uncompiled(f"uses {min(reaching)}")
    for attribute, sets in _uses(code, own, name):
        _check_use(schema, attribute, sets=sets, seen=(*seen, code))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _uses(code: CodeType, own: str, name: str) -> Iterator[tuple[str, bool]]:
    """The attributes of `self` that code uses, and whether it sets them.

    Raises:
        Uncompiled: it uses `self` or `super()` in another way, or sets attributes of other objects.
    """
    steps = [each for each in dis.get_instructions(code) if each.opname not in _SILENT]
    steps_inside = [
        each
        for inside in _codes(code)
        if inside is not code
        for each in dis.get_instructions(inside)
    ]
    if any(each.opname in ("STORE_ATTR", "DELETE_ATTR") for each in steps_inside):
        raise Uncompiled("sets attributes in a function inside")
    for at, step in enumerate(steps):
        after = [*steps[at + 1 : at + 4], step, step, step]
        if step.opname in ("STORE_ATTR", "DELETE_ATTR"):
            if step.opname == "DELETE_ATTR" or not _loads(steps[at - 1], own):
                raise Uncompiled("sets or deletes an attribute")
            yield step.argval, True
        elif step.argval == "super" and step.opname.startswith("LOAD_"):
            _check_super_call(after, own, name)
        elif step.argval == "__class__" and not _loads_super(steps[at - 1]):
            raise Uncompiled("uses its class")
        elif _touches(step, own) and not (at and steps[at - 1].argval == "__class__"):
            if not _loads(step, own) or after[0].opname not in (
                "LOAD_ATTR",
                "LOAD_METHOD",
                "STORE_ATTR",
            ):
                raise Uncompiled("hands its self on")
            if after[0].opname != "STORE_ATTR":
                yield after[0].argval, False


def _check_super_call(after: Sequence[dis.Instruction], own: str, name: str) -> None:
    """Make sure that the steps after the name `super` are those of `super().name(…)`.

    Python 3.11 calls it without arguments; later ones have a step that knows what it finds.
    """
    if after[0].opname == "CALL" and not after[0].arg:
        method = after[1]
    elif after[0].argval == "__class__" and _loads(after[1], own):
        method = after[2]
    else:
        raise Uncompiled("calls super with arguments")
    if not name or method.argval != name or not method.opname.startswith("LOAD_"):
        raise Uncompiled(f"uses more of its super than {name}" if name else "uses its super")


def _loads_super(step: dis.Instruction) -> bool:
    return step.opname == "LOAD_GLOBAL" and step.argval == "super"


def _touches(step: dis.Instruction, own: str) -> bool:
    """Whether a step reads or sets the local variable."""
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    return "FAST" in step.opname and own in names


def _loads(step: dis.Instruction, own: str) -> bool:
    """Whether the local variable is what a step leaves on top."""
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    return "LOAD_FAST" in step.opname and names[-1] == own and own not in names[:-1]


def _check_use(schema: Schema, attribute: str, *, sets: bool, seen: tuple[CodeType, ...]) -> None:
    """Make sure that using an attribute of the schema changes no load."""
    cls = type(schema)
    value = inspect.getattr_static(schema, attribute, None)
    if attribute in _MARSHMALLOWS:
        if sets or attribute not in _READ_ONLY:
            raise Uncompiled(f"uses its {attribute}")
    elif sets:
        if cls.__setattr__ is not object.__setattr__ or hasattr(type(value), "__set__"):
            raise Uncompiled(f"sets {attribute} by code of its own")
    elif isinstance(value, FunctionType):
        _check(value, schema, "", seen)
    elif isinstance(value, property):
        _check(value.fget, schema, "", seen)
    elif not isinstance(value, staticmethod) and (
        hasattr(type(value), "__get__") or hasattr(cls, "__getattr__")
    ):
        raise Uncompiled(f"uses its {attribute}")


_MARSHMALLOWS = frozenset(dir(Schema()))
