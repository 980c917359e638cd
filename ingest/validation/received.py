"""Items as decoders hand them on: how they were received, and how much they hold."""

from typing import Any

from ingest.model import Rewritten, Unreadable
from ingest.validation.engine.long_texts import LONG


def as_received(item: Any) -> Any:
    """An item as its client sent it, or what was sent in place of one."""
    return item.raw if isinstance(item, Unreadable | Rewritten) else item


def has_long_text(item: Any) -> bool:
    """Whether an item of few values holds a long text."""
    levels = [_as_validated(item)]
    while levels:
        held = levels.pop()
        if type(held) is str and len(held) > LONG:
            return True
        if type(held) is dict:
            levels += held.values()
        elif type(held) is list:
            levels += held
    return False


def count_values(item: Any, at_most: int) -> int:
    """How many values an item holds, itself included, as far as `at_most` and a little more."""
    found = 1
    levels = [_as_validated(item)]
    while levels and found <= at_most:
        held = levels.pop()
        if type(held) is dict:
            held = held.values()
        elif type(held) is not list:
            continue
        found += len(held)
        if found <= at_most:
            levels += [each for each in held if type(each) is dict or type(each) is list]
    return found


def _as_validated(item: Any) -> Any:
    return item.item if type(item) is Rewritten else item
