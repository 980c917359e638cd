"""What an item's `meta` says: the version that it must be at, and the group of a new one."""

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.access.rights import MAX_GROUP_BYTES, group_fits
from ingest.errors import (
    BAD_LENGTH,
    NOT_STORABLE,
    NULL_NOT_ALLOWED,
    OTHER_GROUP,
    REQUIRED,
    UNKNOWN_FIELD,
    WRONG_TYPE,
    ErrorCode,
)
from ingest.model import Action, ItemError
from ingest.resources.columns import INT64_MAX, INT64_MIN
from ingest.resources.records import GROUP, VERSION, InvalidItem, Record, check_all
from ingest.resources.resource import META

_VERSION = f"{META}.version"
_GROUP = f"{META}.group"
_SHOWN = frozenset({"version", "group", "batch", "createdAt", "updatedAt", "notShown"})
"""What GET shows in `meta`: it may be sent back."""


def read_meta(item: Mapping[str, Any], action: Action, groups: Sequence[str]) -> Record:
    """The columns of an item's record that its `meta` decides; the rest that GET shows is ignored.

    Args:
        groups: what the sender is confined to; none for every group.

    Raises:
        InvalidItem: with every error of `meta`.
    """
    meta = item.get(META, {})
    if not isinstance(meta, dict):
        raise _invalid(WRONG_TYPE, "Not a valid object.", META)
    version, group, _ = check_all(
        lambda: _version(meta),
        lambda: _group(meta, groups) if action is Action.CREATE else None,
        lambda: _refuse_unknown(meta),
    )
    columns = {VERSION: version, GROUP: group}
    return {name: value for name, value in columns.items() if value is not None}


def _version(meta: Mapping[str, Any]) -> int | None:
    if "version" not in meta:
        return None
    version = meta["version"]
    if version is None:
        raise _invalid(NULL_NOT_ALLOWED, "Field may not be null.", _VERSION)
    if not isinstance(version, int) or isinstance(version, bool):
        raise _invalid(WRONG_TYPE, "Not a valid integer.", _VERSION)
    # No stored version is that large: it differs from any that is sent beyond.
    return min(max(version, INT64_MIN), INT64_MAX)


def _group(meta: Mapping[str, Any], own: Sequence[str]) -> str | None:
    """The group that a new item is to belong to: the one it names, or the sender's only one."""
    group = meta.get("group")
    if group is None:
        if len(own) > 1:
            more = f"Your token has {len(own)} groups: say which of them the item is to belong to."
            raise _invalid(REQUIRED, "Missing data for required field.", _GROUP, more)
        return _fitting(own[0]) if own else None
    if not isinstance(group, str):
        raise _invalid(WRONG_TYPE, "Not a valid string.", _GROUP)
    if own and group not in own:
        raise _invalid(OTHER_GROUP, "Your token is not of this group.", _GROUP)
    if "\0" in _fitting(group) or not group.isprintable():
        raise _invalid(NOT_STORABLE, "A group has a name that can be printed.", _GROUP)
    return group


def _refuse_unknown(meta: Mapping[str, Any]) -> None:
    unknown = [name for name in meta if name not in _SHOWN]
    if unknown:
        raise InvalidItem(
            [ItemError(UNKNOWN_FIELD, "Unknown field.", f"{META}.{name}") for name in unknown]
        )


def _fitting(group: str) -> str:
    """The group, where it is neither empty nor too long: a token may be older than the limit."""
    if not group_fits(group):
        raise _invalid(BAD_LENGTH, f"Length must be between 1 and {MAX_GROUP_BYTES} bytes.", _GROUP)
    return group


def _invalid(code: ErrorCode, message: str, field: str, more: str | None = None) -> InvalidItem:
    return InvalidItem([ItemError(code, message, field, more)])
