"""What an account may hold, what it holds, and what follows: refusals and notifications.

Pure; `ingest.store.quotas` reads and locks what is decided on here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.errors import LimitReached
from ingest.resources.registry import Registry
from ingest.resources.resource import Resource

TOTAL = "*"
"""Stands for all collections of an account together: the limit of its tariff."""
TOTAL_REACHED = "account_limit_reached"
"""The notification of that limit."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many items an account has, by collection, and how many it may have."""

    items: Mapping[str, int]
    maxima: Mapping[str, int]
    """By collection, and under `TOTAL` for all of them together."""

    def held(self, name: str) -> int:
        """Items of a collection, or of all."""
        return sum(self.items.values()) if name == TOTAL else self.items.get(name, 0)

    def is_full(self, name: str) -> bool:
        return name in self.maxima and self.held(name) >= self.maxima[name]

    def is_exceeded(self, name: str) -> bool:
        return name in self.maxima and self.held(name) > self.maxima[name]


@dataclass(frozen=True, slots=True)
class Change:
    """What batches did to one collection."""

    created: int
    updated: int
    unchanged: int
    deleted: int


def refuse_what_is_over(resource: Resource, after: Holdings, change: Change) -> None:
    """Raise LimitReached where what was done is more than the account may do.

    Args:
        after: what the account has now that it is done.
    """
    before = after.held(resource.name) - change.created + change.deleted
    for name in (resource.name, TOTAL):
        if name not in after.maxima:
            continue
        maximum, held = after.maxima[name], after.held(name) - change.created + change.deleted
        edits = change.created + change.updated + change.unchanged
        # Other limits stop only what is created.
        if held > maximum and edits and name != TOTAL and resource.limit_exceeded:
            raise _exceeded(name, maximum, held)
        if change.created and held + change.created - change.deleted > maximum:
            raise _full(name, maximum, held, change.created)
    if not change.created:
        return
    for name in resource.limits_with:
        if after.is_full(name):
            raise _full_elsewhere(resource.name, name, after.maxima[name], before)


def notifications(registry: Registry, holdings: Holdings) -> list[str]:
    """What answers say of the limits that the account has reached."""
    names = []
    for resource in registry.values():
        if holdings.is_full(resource.name):
            names.append(resource.limit_reached)
        if holdings.is_exceeded(resource.name) and resource.limit_exceeded:
            names.append(resource.limit_exceeded)
    if holdings.is_full(TOTAL):
        names.append(TOTAL_REACHED)
    return names


def _full(name: str, maximum: int, held: int, wanted: int) -> LimitReached:
    left = max(maximum - held, 0)
    return LimitReached(
        f"The limit of {_called(name)} is {_items(maximum)}, of which {left} "
        f"{'is' if left == 1 else 'are'} left; nothing was saved",
        f"The batch would have created {wanted}. Delete items, or ask for a higher limit.",
        collection=name,
        maximum=maximum,
        left=left,
    )


def _exceeded(name: str, maximum: int, held: int) -> LimitReached:
    return LimitReached(
        f"The limit of {_called(name)} is {_items(maximum)}, and there are {held}; "
        "nothing was saved",
        "Until there are no more than that, items can only be deleted.",
        collection=name,
        maximum=maximum,
        left=0,
    )


def _full_elsewhere(name: str, full: str, maximum: int, held: int) -> LimitReached:
    return LimitReached(
        f"The limit of {_called(full)}, {_items(maximum)}, is reached; nothing was saved",
        f"While it is, no items are created in {name} either, where there are {held}.",
        collection=full,
        maximum=maximum,
        left=0,
    )


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def _called(name: str) -> str:
    return "the account" if name == TOTAL else name
