"""Overrides in other packages that only pass on, of releases whose code has been read.

marshmallow-sqlalchemy's schemas take a session and an instance as further arguments of `load`.
Without these, `load` only passes on, after it has looked up the version of marshmallow on the disk.
"""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from marshmallow import Schema


class _Known(NamedTuple):
    package: str
    releases: tuple[str, ...]
    """The beginnings of their versions."""
    passes_on: Callable[[Any, Any], bool]
    """Whether it does so for a schema, given the class that overrides."""


def is_known_to_pass_on(schema: Schema, cls: type) -> bool:
    """Whether the overrides in one of a schema's classes are known to pass on."""
    known = _KNOWN.get((cls.__module__, cls.__qualname__))
    if known is None:
        return False
    try:
        installed = version(known.package)
    except PackageNotFoundError:
        return False
    return installed.startswith(known.releases) and known.passes_on(schema, cls)


def _needs_no_session(schema: Any, cls: Any) -> bool:
    """Whether an instance is loaded into nothing that the arguments of `load` would name."""
    if not schema._load_instance:
        return True
    own = all(getattr(type(schema), name) is vars(cls)[name] for name in ("session", "transient"))
    return own and schema.instance is None and bool(schema.transient or schema.session)


_KNOWN = {
    ("marshmallow_sqlalchemy.load_instance_mixin", "LoadInstanceMixin.Schema"): _Known(
        "marshmallow-sqlalchemy", ("1.4.", "1.5.", "1.6."), _needs_no_session
    )
}
