"""Who calls, and what they may do: rights, callers that have them, how commands write roles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from ingest.errors import ConfigurationError, NotPermitted

EVERY_COLLECTION = "*"
MAX_GROUP_BYTES = 255
"""The longest name of a group, in UTF-8.

With an account of 255 bytes and a key of 2,048 it makes an index entry of 2,584 bytes, of the 2,704
that PostgreSQL allows.
"""


class Right(StrEnum):
    """What a role allows; `admin` includes the others."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    ADMIN = "admin"


Rights = Mapping[str, frozenset[Right]]
"""Rights by collection; those of `*` hold for all."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    token: UUID
    account: str
    role: str
    rights: Rights
    groups: tuple[str, ...] = ()
    """What the caller is confined to; none for everything of the account."""
    limited: bool = False
    """Whether the account has quotas."""
    dialect: str | None = None
    """The dialect of its answers; None for the default."""

    def may(self, right: Right, collection: str) -> bool:
        """Whether the caller has a right on a collection."""
        return any(
            right in held or Right.ADMIN in held
            for held in (self.rights.get(EVERY_COLLECTION), self.rights.get(collection))
            if held
        )

    @property
    def readable(self) -> list[str] | None:
        """The collections that the caller may read; None for all of them."""
        if self.may(Right.READ, EVERY_COLLECTION):
            return None
        return [name for name in self.rights if self.may(Right.READ, name)]

    def shares(self, groups: Iterable[str]) -> bool:
        """Whether the caller may see what a token with these groups did."""
        sent = set(groups)
        return not self.groups or (bool(sent) and sent.issubset(self.groups))

    def needs(self, right: Right, collection: str) -> None:
        """Raise NotPermitted where the caller lacks a right on a collection."""
        if not self.may(right, collection):
            raise NotPermitted(
                f"This token may not {right} in {collection}",
                f"Its role {self.role!r} lacks the right {right.value!r} on {collection!r}.",
                right=right,
            )

    def needs_any(self, collection: str) -> None:
        """Raise NotPermitted where the caller has no right on a collection."""
        if not any(self.may(right, collection) for right in Right):
            raise NotPermitted(
                f"This token may do nothing in {collection}",
                f"Its role {self.role!r} has no right on {collection!r}.",
                right=Right.READ,
            )


def group_fits(name: str) -> bool:
    """Whether a group's name is not empty, and no longer than can be indexed."""
    return 1 <= len(name.encode("utf-8", "replace")) <= MAX_GROUP_BYTES


def rights_of(stored: Mapping[str, Iterable[str]]) -> Rights:
    """Rights as the database keeps them, by collection."""
    return MappingProxyType(
        {
            collection: frozenset(Right(right) for right in held)
            for collection, held in stored.items()
        }
    )


def parse_grants(grants: Iterable[str]) -> Rights:
    """Rights as commands take them: `read`, or `contacts=create,update` for one collection.

    Raises:
        ConfigurationError: names what cannot be read.
    """
    found: dict[str, set[str]] = {}
    for grant in grants:
        collection, equals, listed = grant.rpartition("=")
        if equals and not collection:
            raise ConfigurationError(f"{grant!r} names no collection: write COLLECTION=RIGHT,…")
        names = {name.strip() for name in listed.split(",")}
        unknown = sorted(names.difference(Right))
        if unknown:
            known = ", ".join(Right)
            raise ConfigurationError(f"{unknown[0]!r} is no right; there are {known}")
        found.setdefault(collection or EVERY_COLLECTION, set()).update(names)
    if not found:
        raise ConfigurationError("a role allows something: name at least one right")
    return rights_of(found)
