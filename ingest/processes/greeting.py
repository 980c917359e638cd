"""What `ingest dev` prints when everything answers, with an item made up from a schema."""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
from marshmallow import fields, validate

from ingest.resources.registry import Registry
from ingest.resources.resource import Resource

# The first that a field takes is shown.
_CANDIDATES: tuple[Any, ...] = (
    *("example", "jim@example.com", "https://example.com/"),
    *("2026-11-22T10:00:00Z", "2026-11-22T10:00:00", "2026-11-22", "10:00:00"),
    *("0193aaaa-0000-7000-8000-000000000001", "192.0.2.1", "2001:db8::1"),
    *("BER", "AB", "A", "abc", "+1 202 555 0100"),
    *(1, 10, 100, "1.50", 1.5, True, [], {}),
)


def greeting(url: str, token: str, registry: Registry, folder: Path) -> str:
    """Where to go, and a line to paste that saves an item (or lists, where none can be made up)."""
    resource = next(iter(registry.values()))
    curl = ["curl", "-sS", f"{url}/v1/{resource.name}", "-H", f"Authorization: Bearer {token}"]
    item = example_item(resource)
    if item is not None:
        curl += ["-H", "Content-Type: application/json", "-d", orjson.dumps([item]).decode()]
    collections = "\n".join(f"    {url}/v1/{name}" for name in registry)
    return f"""
Everything runs; Ctrl-C stops it. The data is kept in {folder}.

{collections}

Try it:

    {shlex.join(curl)}
"""


def example_item(resource: Resource) -> dict[str, Any] | None:
    """A valid item of a resource, of its required fields; None where none can be made up."""
    item = {}
    for stored in resource.fields:
        if stored.field.required:
            load = stored.field.deserialize
            fitting = (each for each in _candidates(stored.field) if _loads(load, each))
            item[stored.data_key] = next(fitting, None)
    return item if _loads(resource.schema.load, item) else None


def _candidates(field: fields.Field[Any]) -> Iterator[Any]:
    """What a field may take: its own choices, then what others of its kind do."""
    if isinstance(field, fields.Enum):
        yield from (member.value if field.by_value else member.name for member in field.enum)
    for validator in field.validators:
        if isinstance(validator, validate.OneOf):
            yield from validator.choices
    yield from _CANDIDATES


def _loads(load: Callable[[Any], object], value: Any) -> bool:
    try:
        load(value)
    except Exception:  # noqa: BLE001 - a user's field or hook may raise anything
        return False
    return True
