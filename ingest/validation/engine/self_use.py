"""What methods of the user's do with their `self`, as far as their code shows it.

A method is harmless where it does no more with `self` than call one method of its `super()`, read
some attributes of marshmallow's, and use attributes of its own, at which marshmallow never looks.
Methods and properties of its own are read in the same way. Code is read step by step, as the
running Python has compiled it; whatever is not known to be harmless is not.
"""

import dis
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from ingest.validation.engine.source import Uncompiled

_REACHING = frozenset(
    {
        "__class__", "__dict__", "__self__", "__setattr__", "_getframe", "delattr", "eval", "exec",
        "locals", "setattr", "vars",
    }
)  # fmt: skip
"""Names with which code may change an object that it does not call by its name."""
_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR")
_SILENT = frozenset({"CACHE", "EXTENDED_ARG", "NOP", "PRECALL"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What methods of one kind of object may do with it."""

    theirs: frozenset[str]
    """The attributes that are marshmallow's, and must not be used."""
    readable: frozenset[str]
    """Those of them that may be read: nothing that is done to what they hold changes a load."""


def check_method(
    function: Any, owner: object, name: str, rules: Rules, seen: tuple[CodeType, ...] = ()
) -> None:
    """Make sure that a method of an object does nothing to it that changes a load.

    Args:
        name: what it may call of its super; empty for nothing.
        seen: the methods that are being read already.

    Raises:
        Uncompiled: it does more, or may do so.
    """
    if type(function) is not FunctionType or not function.__code__.co_argcount:
        raise Uncompiled("is called through other code")
    code = function.__code__
    if code in seen:
        return
    if "super" in function.__globals__:
        raise Uncompiled("has a super of its own")
    own = code.co_varnames[0]
    if own in code.co_cellvars:
        raise Uncompiled("hands its self to a function inside")
    for each in _codes(code):
        if reaching := _REACHING & {*each.co_names}:
            raise Uncompiled(f"uses {min(reaching)}")
    for attribute, sets in _uses(code, own, name):
        use = _Use(owner, attribute, sets, rules)
        use.check((*seen, code))


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
    for inside in _codes(code):
        if inside is not code and any(map(_sets_attribute, dis.get_instructions(inside))):
            raise Uncompiled("sets attributes in a function inside")
    steps = [each for each in dis.get_instructions(code) if each.opname not in _SILENT]
    for at, step in enumerate(steps):
        before, after = steps[at - 1], steps[at + 1 : at + 4]
        if _sets_attribute(step):
            if step.opname == "DELETE_ATTR" or not _loads(before, own):
                raise Uncompiled("sets or deletes an attribute")
            yield step.argval, True
        elif step.argval == "super" and step.opname != "LOAD_CONST":
            _check_super_call(step, after, own, name)
        elif step.argval == "__class__":
            if before.argval != "super" or before.opname != "LOAD_GLOBAL":
                raise Uncompiled("uses its class")
        elif _touches(step, own) and before.argval != "__class__":
            if not _loads(step, own) or after[0].opname not in _ATTRIBUTES:
                raise Uncompiled("hands its self on")
            if not _sets_attribute(after[0]):
                yield after[0].argval, False


def _check_super_call(
    step: dis.Instruction, after: Sequence[dis.Instruction], own: str, name: str
) -> None:
    """Make sure that a step with the name `super`, and those after it, are of `super().name(…)`.

    Python 3.11 calls it without arguments; later ones have a step that knows what it finds.
    """
    if step.opname != "LOAD_GLOBAL":
        raise Uncompiled("has a super of its own")
    if after[0].opname == "CALL" and not after[0].arg:
        method = after[1]
    elif after[0].argval == "__class__" and _loads(after[1], own):
        method = after[2]
    else:
        raise Uncompiled("calls super with arguments")
    if not name or method.argval != name or not method.opname.startswith("LOAD_"):
        raise Uncompiled(f"uses more of its super than {name}" if name else "uses its super")


def _sets_attribute(step: dis.Instruction) -> bool:
    return step.opname in ("STORE_ATTR", "DELETE_ATTR")


def _touches(step: dis.Instruction, own: str) -> bool:
    """Whether a step reads or sets the local variable."""
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    return "FAST" in step.opname and own in names


def _loads(step: dis.Instruction, own: str) -> bool:
    """Whether the local variable is what a step leaves on top."""
    names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
    return "LOAD_FAST" in step.opname and names[-1] == own and own not in names[:-1]


@dataclass(frozen=True, slots=True)
class _Use:
    """A method's use of an attribute of its object."""

    owner: object
    attribute: str
    sets: bool
    rules: Rules

    def check(self, seen: tuple[CodeType, ...]) -> None:
        """Make sure that it changes no load."""
        attribute, cls = self.attribute, type(self.owner)
        value = inspect.getattr_static(self.owner, attribute, None)
        if attribute in self.rules.theirs:
            if self.sets or attribute not in self.rules.readable:
                raise Uncompiled(f"uses its {attribute}")
        elif self.sets:
            if cls.__setattr__ is not object.__setattr__ or hasattr(type(value), "__set__"):
                raise Uncompiled(f"sets {attribute} by code of its own")
        elif isinstance(value, FunctionType | property):
            inside = value.fget if isinstance(value, property) else value
            check_method(inside, self.owner, "", self.rules, seen)
        elif not isinstance(value, staticmethod) and (
            hasattr(type(value), "__get__") or hasattr(cls, "__getattr__")
        ):
            raise Uncompiled(f"uses its {attribute}")
