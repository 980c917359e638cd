"""Values and texts as a digest shows them: short."""

from collections.abc import Mapping
from typing import Any

from ingest.exactjson import dump_exact

_LONGEST = 200
MOST_FIELDS = 20
"""Of an item."""


def shown(value: Any) -> Any:
    """A value of an item, or the beginning of its text where it is long."""
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, str):
        return shortened(value)
    text = dump_exact(value).decode()
    return value if len(text) <= _LONGEST else shortened(text)


def shortened(text: str) -> str:
    """A text, or its beginning."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\N{HORIZONTAL ELLIPSIS}"


def some(item: Mapping[str, Any]) -> dict[str, Any]:
    """The first fields of an item."""
    return {
        shortened(name): shown(value)
        for name, value, _ in zip(item, item.values(), range(MOST_FIELDS), strict=False)
    }
