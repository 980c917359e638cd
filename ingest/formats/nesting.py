"""How deep JSON nests: whether it is too deep, and where."""

from collections.abc import Iterator
from typing import Any

from ingest.errors import MalformedBody

_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))


def may_nest_deeper(lines: bytes, limit: int) -> bool:
    """Whether a line of NDJSON might nest deeper than `limit`.

    Some of the lines may not be JSON. True where any string holds a bracket: brackets in strings
    could close what is open outside of them.
    """
    structure = _structure(lines)
    return b'"' in structure or _nests(structure, limit)


def nests_deeper(body: bytes, limit: int) -> bool:
    """Whether valid JSON nests deeper than `limit`.

    It looks at no values: there are millions of them in the largest body.
    """
    return _nests(b"".join(_structure(body).split(b'"')[::2]), limit)


def structures(body: bytes) -> int:
    """How many arrays and objects JSON has, of which valid JSON closes each."""
    return sum(part.count(b"[") for part in _structure(body).split(b'"')[::2])


def _structure(body: bytes) -> bytes:
    """The brackets of JSON, all of one kind, and between quotes those that stand in strings.

    Most strings hold no bracket. Two that touch may become one: both are left out.
    """
    if b"\\" in body:  # few have any, and to look for one byte is much cheaper than for two
        body = body.replace(rb"\\", b"").replace(rb"\"", b"")
    return body.translate(_ONE_KIND, _NOT_STRUCTURE).replace(b'""', b"")


def _nests(brackets: bytes, limit: int) -> bool:
    """Whether brackets nest deeper than `limit`.

    Removing every innermost pair lowers the depth by one, and all of it runs at the speed of C.
    """
    for _ in range(limit):
        inner = brackets.replace(b"[]", b"")
        if len(inner) == len(brackets):
            break  # nothing is left, or only what no JSON has
        brackets = inner
    return bool(brackets)


def too_deep(items: list[Any], limit: int) -> str | None:
    """The path of the first place that nests deeper than `limit`; `items` is level 1."""
    path: list[str] = []
    levels = [_members(items)]
    while levels:
        for name, value in levels[-1]:
            if type(value) is dict or type(value) is list:
                path.append(str(name))
                if len(levels) == limit:
                    return ".".join(path)[:200]
                levels.append(_members(value))
                break
        else:
            levels.pop()
            path = path[:-1]
    return None


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    return iter(value.items() if type(value) is dict else enumerate(value))


def check_nesting(items: list[Any], limit: int) -> None:
    """Raise MalformedBody where items nest deeper than `limit`; `items` is level 1."""
    place = too_deep(items, limit)
    if place is not None:
        raise nests_too_deep(limit, place)


def nests_too_deep(limit: int, place: str) -> MalformedBody:
    return MalformedBody(
        f"The body nests deeper than {limit} levels", f"At {place}, counted from 0."
    )
