"""What `ingest dev` prints when everything answers, with an item made up from a schema."""

import shlex
from pathlib import Path
from typing import Any

import orjson
from marshmallow import fields, validate

from ingest.resources.registry import Registry
from ingest.resources.resource import Resource

_BUNDLED = {
    "airports": {
        "iata": "BER",
        "name": "Berlin Brandenburg",
        "city": "Berlin",
        "country": "Germany",
        "latitude": 52.3622,
        "longitude": 13.5007,
    }
}
# The first that a field takes is shown.
_CANDIDATES: tuple[Any, ...] = (
    *("example", "jim@example.com", "https://example.com/"),
    *("2026-11-22T10:00:00Z", "2026-11-22T10:00:00", "2026-11-22", "10:00:00"),
    *("0193aaaa-0000-7000-8000-000000000001", "192.0.2.1", "2001:db8::1"),
    *("ABC", "AB", "A", "abc", "+1 202 555 0100"),
    *(1, 10, 100, "1.50", 1.5, True, [], {}, None),
)


def greeting(url: str, token: str, registry: Registry, folder: Path) -> str:
    """Where to go, and a line to paste that saves an item (or lists, where none can be made up)."""
    resource = next(iter(registry.values()))
    collections = "\n".join(f"    {url}/v1/{name}" for name in registry)
    return f"""
Everything runs; Ctrl-C stops it. The data is kept in {folder}.

{collections}

Try it:

    {_curl(f"{url}/v1/{resource.name}", token, example_item(resource))}
"""


def _curl(url: str, token: str, item: dict[str, Any] | None) -> str:
    words = ["curl", "-sS", url, "-H", f"Authorization: Bearer {token}"]
    if item is not None:
        words += ["-H", "Content-Type: application/json", "-d", orjson.dumps([item]).decode()]
    return shlex.join(words)


def example_item(resource: Resource) -> dict[str, Any] | None:
    """A valid item of a resource, of its required fields; None where none can be made up."""
    for candidate in (_BUNDLED.get(resource.name), _made_up(resource)):
        if candidate is not None and _is_valid(resource, candidate):
            return candidate
    return None


def _made_up(resource: Resource) -> dict[str, Any] | None:
    item = {}
    for stored in resource.fields:
        if not stored.field.required:
            continue
        for value in _candidates(stored.field):
            if _takes(stored.field, value):
                item[stored.data_key] = value
                break
        else:
            return None
    return item


def _candidates(field: fields.Field[Any]) -> tuple[Any, ...]:
    """What a field may take: its own choices, then what others of its kind do."""
    choices: list[Any] = []
    if isinstance(field, fields.Enum):
        choices.extend(member.value if field.by_value else member.name for member in field.enum)
    for validator in field.validators:
        if isinstance(validator, validate.OneOf):
            choices.extend(validator.choices)
    return (*choices, *_CANDIDATES)


def _takes(field: fields.Field[Any], value: Any) -> bool:
    try:
        field.deserialize(value)
    except Exception:  # noqa: BLE001 - a user's field may raise anything at what it does not expect
        return False
    return True


def _is_valid(resource: Resource, item: dict[str, Any]) -> bool:
    try:
        return not resource.schema.validate(item)
    except Exception:  # noqa: BLE001 - so may a user's hook
        return False
