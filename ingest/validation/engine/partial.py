"""marshmallow's `partial`: which fields may be missing, here and in nested schemas."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from ingest.validation.engine.source import Uncompiled

Partial = bool | Sequence[str] | AbstractSet[str] | None
_COLLECTIONS = (frozenset, set, list, tuple)


def check_partial(partial: Any) -> None:
    """Make sure that `partial` is of a form whose meaning does not change between two looks.

    Raises:
        Uncompiled: it is something else that marshmallow may take, a generator for example.
    """
    if type(partial) in _COLLECTIONS:
        if not all(type(name) is str for name in partial):
            raise Uncompiled("partial holds more than plain strings")
    elif partial is not None and partial is not True and partial is not False:
        raise Uncompiled(f"partial is a {type(partial).__name__}")


def cache_key(partial: Any) -> Any:
    """What tells one `partial` from another; hashable.

    Raises:
        TypeError: it holds something unhashable.
    """
    if type(partial) is list:
        return list, tuple(partial)
    if type(partial) is set:
        return set, frozenset(partial)
    return type(partial), partial


def excuses(partial: Any, name: str) -> bool:
    """Whether the field may be missing, `required` and `load_default` notwithstanding."""
    return partial is True or (type(partial) in _COLLECTIONS and name in partial)


def below(partial: Any, name: str) -> Any:
    """What the field itself is given as `partial`."""
    if type(partial) in _COLLECTIONS:
        prefix = f"{name}."
        return [each[len(prefix) :] for each in partial if each.startswith(prefix)]
    return partial
