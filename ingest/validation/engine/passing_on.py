"""Overrides that only pass on: with them, a schema loads as it would without them.

`def load(self, data, **kwargs): return super().load(data, **kwargs)` is what code generators and
old typing stubs leave behind. An override counts as one where its code is, step by step, that of
one of the functions below, which the running Python compiles as it has compiled the user's.
"""

import dis
import inspect
import itertools
import re
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType
from typing import Any

from marshmallow import Schema

from ingest.validation.engine.packages import is_known_to_pass_on

_OPTIONS: dict[str, tuple[str, ...]] = {
    "load": ("many", "partial", "unknown"),
    "_do_load": ("many", "partial", "unknown", "postprocess"),
}
_BODIES = (
    "return super().{name}({arguments})",
    "loaded = super().{name}({arguments}); return loaded",
)
_CALLED = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)
"""The flags of code that change what a call of it does."""
_PARTS = re.compile(r"(?:LOAD|STORE)_FAST(?:_BORROW)?")
_DEFAULTS = {"many": None, "partial": None, "unknown": None, "postprocess": True}


def passes_on(schema: Schema, name: str) -> bool:
    """Whether every override of one of `Schema`'s methods only passes on."""
    return name not in vars(schema) and all(
        override_passes_on(schema, cls, name) for cls in overriding(schema, name)
    )


def overriding(schema: Schema, name: str) -> Iterator[type]:
    """The classes of a schema that override a method of `Schema`'s, the outermost first."""
    for cls in itertools.takewhile(lambda cls: cls is not Schema, type(schema).__mro__):
        if name in vars(cls):
            yield cls


def override_passes_on(schema: Schema, cls: type, name: str) -> bool:
    """Whether the override in one of its classes only passes on."""
    return _is_plain(cls, name) or is_known_to_pass_on(schema, cls)


def _is_plain(cls: type, name: str) -> bool:
    function = vars(cls)[name]
    if type(function) is not FunctionType or "super" in function.__globals__:
        return False
    code, cells = function.__code__, function.__closure__ or ()
    if code.co_freevars != ("__class__",) or cells[0].cell_contents is not cls:
        return False
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    given = function.__defaults__ or ()
    defaults = dict(
        zip(names[code.co_argcount - len(given) : code.co_argcount], given, strict=True)
    )
    defaults |= function.__kwdefaults__ or {}
    as_marshmallow = all(value is _DEFAULTS.get(option, code) for option, value in defaults.items())
    return as_marshmallow and _shape(code) in _shapes(name)


@cache
def _shapes(name: str) -> frozenset[Any]:
    return frozenset(_shape(code) for code in _templates(name))


def _templates(name: str) -> Iterator[CodeType]:
    """The code of every function that counts."""
    for (parameters, arguments), body in itertools.product(_signatures(name), _BODIES):
        text = body.format(name=name, arguments=arguments)
        namespace: dict[str, Any] = {}
        definition = f"class Passing:\n    def {name}(self, {parameters}): {text}"
        exec(definition, namespace)  # noqa: S102 - it is all written here
        yield vars(namespace["Passing"])[name].__code__


def _signatures(name: str) -> Iterator[tuple[str, str]]:
    """Parameters, and the arguments that pass all of them on."""
    for spread in ("data, **kwargs", "*args, **kwargs", "data, *args, **kwargs"):
        yield spread, spread
    options = _OPTIONS[name]
    subsets = [
        each
        for size in range(1, len(options) + 1)
        for each in itertools.combinations(options, size)
    ]
    for subset, star, rest in itertools.product(subsets, ("*, ", ""), (", **kwargs", "")):
        if rest or subset == options:  # without it, marshmallow's other options are refused
            declared = ", ".join(f"{option}={_DEFAULTS[option]}" for option in subset)
            given = ", ".join(f"{option}={option}" for option in subset)
            yield f"data, {star}{declared}{rest}", f"data, {given}{rest}"


def _shape(code: CodeType) -> Any:
    """What code does: its steps, whatever its positional parameters and variables are called."""
    only_by_name = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    steps = tuple(each for step in dis.get_instructions(code) for each in _steps(step, code))
    options = code.co_varnames[2 : code.co_argcount]
    return code.co_argcount, code.co_flags & _CALLED, only_by_name, options, steps


def _steps(step: dis.Instruction, code: CodeType) -> Iterator[tuple[str, Any]]:
    """What a step does, to what; a variable is its number.

    Where two steps stand in one line, Python 3.13 and later make one of both.
    """
    if "FAST" not in step.opname:
        yield step.opname, (type(step.argval), step.argval)
        return
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    parts = _PARTS.findall(step.opname) if len(names) > 1 else [step.opname]
    for part, name in zip(parts, names, strict=True):
        yield part, code.co_varnames.index(name)
