"""The group that a new item is to belong to."""

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.access.rights import MAX_GROUP_BYTES, group_fits
from ingest.errors import BAD_LENGTH, NOT_STORABLE, OTHER_GROUP, REQUIRED, WRONG_TYPE
from ingest.model import ItemError
from ingest.resources.resource import META
from ingest.validation.invalid import InvalidItem

_FIELD = f"{META}.group"


def group_of(meta: Mapping[str, Any], own: Sequence[str]) -> str | None:
    """The group that the `meta` of a new item names, or the sender's only one.

    Args:
        own: what the sender is confined to; none for every group.

    Raises:
        InvalidItem: it names none of the sender's, or what cannot be a group.
    """
    group = meta.get("group")
    if group is None:
        if len(own) > 1:
            more = f"Your token has {len(own)} groups: say which of them the item is to belong to."
            message = "Missing data for required field."
            raise InvalidItem([ItemError(REQUIRED, message, _FIELD, more)])
        return _fitting(own[0]) if own else None
    if not isinstance(group, str):
        raise InvalidItem([ItemError(WRONG_TYPE, "Not a valid string.", _FIELD)])
    if own and group not in own:
        raise InvalidItem([ItemError(OTHER_GROUP, "Your token is not of this group.", _FIELD)])
    _fitting(group)
    if "\0" in group or not group.isprintable():
        message = "A group has a name that can be printed."
        raise InvalidItem([ItemError(NOT_STORABLE, message, _FIELD)])
    return group


def _fitting(group: str) -> str:
    """The group, where it is neither empty nor too long: a token may be older than the limit."""
    if not group_fits(group):
        message = f"Length must be between 1 and {MAX_GROUP_BYTES} bytes."
        raise InvalidItem([ItemError(BAD_LENGTH, message, _FIELD)])
    return group
