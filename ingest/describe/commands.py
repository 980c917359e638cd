"""Command lines that work as they are, once the shell has a token."""

import csv
import io
import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from ingest.describe.examples import Example, brings_key
from ingest.resources.resource import Resource

_CALLER = '-H "Authorization: Bearer $TOKEN"'
_JSON = "-H 'Content-Type: application/json'"
_CSV = "-H 'Content-Type: text/csv'"
_UPSERT = "-H 'Prefer: resolution=merge-duplicates'"
_NEW_KEY = '-H "Idempotency-Key: $(date +%s%N)"'
_NEXT_LINE = " \\\n  "


class Command(NamedTuple):
    """What a command does, and its lines."""

    title: str
    lines: str


def commands(resource: Resource, example: Example | None, base: str) -> Iterator[Command]:
    """In an order in which they can be tried: the last one deletes what the second has saved.

    Args:
        example: an item that is valid and may be saved; where there is none, only what needs none.
        base: where clients reach the service, without a `/` at its end.
    """
    url = f"{base}/v1/{resource.name}"
    if example is not None:
        yield from _saving(resource, example, url)
    yield Command("Read its JSON Schema", _curl(f"{url}/schema"))
    yield Command("List the first items", _curl(f"{url}?limit=10"))
    if example is not None and brings_key(resource):
        yield from _by_key(resource, example, url)


def _saving(resource: Resource, example: Example, url: str) -> Iterator[Command]:
    body, new_key = _json([example.sent]), _new_key(resource)
    yield Command("Check an item, and save nothing", _curl(f"{url}?dryRun=true", _JSON, body))
    yield Command("Save a new item", _curl(url, _JSON, *new_key, body))
    if not brings_key(resource):
        return
    yield Command(
        "Save it, or change it where it is there", _curl(url, _JSON, _UPSERT, *new_key, body)
    )
    if (table := _table(example.sent)) is not None:
        yield Command("The same as CSV", _curl(url, _CSV, _UPSERT, *new_key, table))


def _by_key(resource: Resource, example: Example, url: str) -> Iterator[Command]:
    new_key, path = _new_key(resource), quote(str(example.key), safe="")
    if len(example.changed) > 1:
        change = (_JSON, *new_key, _json([example.changed]))
        yield Command("Change a field, and keep the others", _curl(url, "-X PATCH", *change))
    yield Command("Read it by its key", _curl(f"{url}/{path}"))
    yield Command("Delete it", _curl(url, "-X DELETE", _JSON, *new_key, _json([example.key])))


def _new_key(resource: Resource) -> tuple[str, ...]:
    return (_NEW_KEY,) if resource.idempotency_required else ()


def _curl(url: str, *options: str) -> str:
    return _NEXT_LINE.join((f"curl -sS {_quoted(url)}", _CALLER, *options))


def _json(items: Any) -> str:
    return f"-d {_quoted(json.dumps(items, ensure_ascii=False))}"


def _table(item: Mapping[str, Any]) -> str | None:
    """The item as CSV; None where it holds what a cell cannot."""
    if not all(isinstance(each, str | int | float) for each in item.values()):
        return None
    cells = [json.dumps(each) if isinstance(each, bool) else each for each in item.values()]
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows((item, cells))
    return f"--data-binary {_quoted(file.getvalue())}"


def _quoted(text: str) -> str:
    """In single quotes, always: what is in them is no code of the shell's."""
    quoted = shlex.quote(text)
    return quoted if quoted.startswith("'") else f"'{quoted}'"
