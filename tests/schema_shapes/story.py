"""What becomes of the items of many shapes in one service: saved, changed, merged, read again."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any
from urllib.parse import quote

from marshmallow import missing

from ingest.resources.columns import ColumnType
from ingest.resources.representation import NOT_SHOWN
from ingest.resources.resource import META, Resource
from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.tables import table_name
from tests.api.declared import serving
from tests.harness import Service
from tests.schema_shapes.oracle import Held, as_json, differences, messages_of, read_json
from tests.schema_shapes.shape import Bad, Item, Shape

_AT_ONCE = 8
_MERGE = "resolution=merge-duplicates"


@dataclass
class _Story:
    """A shape, its items as marshmallow has them, and what the service did otherwise."""

    shape: Shape
    resource: Resource
    held: list[Held] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


async def tell(settings: Settings, shapes: Sequence[Shape]) -> dict[str, list[str]]:
    """Serve shapes, and compare what becomes of their items with what marshmallow says.

    Returns:
        By the names of the shapes: what is wrong.
    """
    stories = [_Story(shape, shape.resource()) for shape in shapes]
    resources = [story.resource for story in stories]
    turns = asyncio.Semaphore(_AT_ONCE)

    async def each(step: Any, *arguments: Any) -> None:
        async def turn(story: _Story) -> None:
            async with turns:
                await step(*arguments, story)

        await asyncio.gather(*map(turn, stories))

    async with serving(settings, *resources) as service:
        await each(_first_life, service)
    await _look_into_columns(settings, stories)
    async with serving(settings, *resources) as service:
        await each(_read, service, "after a restart")
    return {story.shape.name: story.wrong for story in stories}


async def _first_life(service: Service, story: _Story) -> None:
    shape = story.shape
    for number, bad in enumerate(shape.bad):
        if bad.of is None:
            await _refuse(service, story, f"bad item {number}", "POST", bad, bad.item)
    await _save(service, story)
    if not story.held:
        return
    await _read(service, "once it was saved", story)
    for number, (index, change) in enumerate(shape.changes):
        story.held[index].change(_addressed(story, index, change))
        await _write(service, story, f"change {number}", "PATCH", index, change)
    await _read(service, "once it was changed", story)
    for number, bad in enumerate(shape.bad):
        if bad.of is not None:
            item = _addressed(story, bad.of, bad.item)
            await _refuse(service, story, f"bad item {number}", "PATCH", bad, item)
    for index, item in enumerate(shape.items):
        story.held[index].merge(_addressed(story, index, item))
        await _write(service, story, f"upsert {index}", "POST", index, item, prefer=_MERGE)


async def _save(service: Service, story: _Story) -> None:
    status, body = await _send(service, "POST", story.shape.name, list(story.shape.items))
    if status != 201:
        story.wrong.append(f"saving is answered with {status}: {_why(body)}")
        return
    for item, shown in zip(story.shape.items, body["data"], strict=True):
        held = Held(story.resource, item)
        if story.resource.server_key and story.resource.key.data_key not in item:
            held.key = shown.get(story.resource.key.data_key)
        story.held.append(held)
        _compare(story, "the answer of saving", held, shown)


async def _write(
    service: Service,
    story: _Story,
    step: str,
    method: str,
    index: int,
    item: Item,
    **headers: str,
) -> None:
    sent = _addressed(story, index, item)
    status, body = await _send(service, method, story.shape.name, [sent], **headers)
    if status not in (200, 201):
        story.wrong.append(f"{step} is answered with {status}: {_why(body)}")
        return
    _compare(story, f"the answer of {step}", story.held[index], body["data"][0])


async def _read(service: Service, step: str, story: _Story) -> None:
    """GET of each item, and of the list."""
    shown = []
    for held in story.held:
        path = f"{story.shape.name}/{quote(_shown_key(story.resource, held), safe='')}"
        status, body = await _send(service, "GET", path)
        if status != 200:
            story.wrong.append(f"GET {path} {step} is {status}: {_why(body)}")
            continue
        shown.append(body["data"])
        _compare(story, f"GET {step}", held, body["data"])
    status, body = await _send(service, "GET", story.shape.name)
    if status != 200 or sorted(map(repr, shown)) != sorted(map(repr, body["data"])):
        story.wrong.append(f"the list {step} is {status}: {body}")


async def _refuse(
    service: Service, story: _Story, step: str, method: str, bad: Bad, item: Item
) -> None:
    status, body = await _send(service, method, story.shape.name, [item])
    errors = [error for failure in body.get("failures", ()) for error in failure["errors"]]
    found = [(error["code"], error.get("field")) for error in errors]
    if status != 422 or sorted(found, key=repr) != sorted(bad.errors, key=repr):
        story.wrong.append(f"{step} is answered with {status}, {found}; expected {bad.errors}")
    said = Counter(error["message"] for error in errors)
    if untold := messages_of(story.resource, item, partial=method == "PATCH") - said:
        story.wrong.append(f"{step} is answered without {list(untold)}")


async def _look_into_columns(settings: Settings, stories: Sequence[_Story]) -> None:
    """Scalar columns hold what was loaded, also what is never shown."""
    async with open_pool(settings, role=None) as pool, pool.transaction("acme") as connection:
        for story in stories:
            resource = story.resource
            found = await connection.fetch(f"SELECT * FROM {table_name(resource)}")
            rows = {row[resource.key.column]: row for row in found}
            rows |= {str(key): row for key, row in rows.items()}
            for held in story.held:
                row = rows[_stored_key(resource, held)]
                for each in resource.fields:
                    # Of an object, a column holds what fits into it.
                    skipped = held.is_object and each.shown
                    if skipped or each.type is ColumnType.JSONB or each is resource.key:
                        continue
                    if row[each.column] != (value := _in_column(held.value(each))):
                        story.wrong.append(
                            f"column {each.column} holds {row[each.column]!r}, not {value!r}"
                        )


def _in_column(value: Any) -> Any:
    """A loaded value as the driver reads it out of its column."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, IPv4Interface | IPv6Interface):
        return value.ip if value.network.prefixlen == value.max_prefixlen else value
    return value


def _compare(story: _Story, step: str, held: Held, shown: Any) -> None:
    try:
        expected = held.shown()
    except Exception as error:  # noqa: BLE001 - the user's code does not dump what it loaded
        if NOT_SHOWN not in shown.get(META, {}):
            story.wrong.append(f"{step}: {shown} is shown, and its dump raises {error!r}")
        return
    story.wrong += [f"{step}: {each}" for each in differences(story.resource, expected, shown)]


def _addressed(story: _Story, index: int, item: Item) -> dict[str, Any]:
    """An item with the key that the service has made for it."""
    held, name = story.held[index], story.resource.key.data_key
    key = {} if held.key is missing else {name: held.key}
    return {**key, **deepcopy(dict(item))}


def _stored_key(resource: Resource, held: Held) -> Any:
    return _in_column(held.value(resource.key)) if held.key is missing else str(held.key)


def _shown_key(resource: Resource, held: Held) -> str:
    if held.key is not missing:
        return str(held.key)
    field = resource.key.field
    return str(as_json(field._serialize(held.value(resource.key), field.name, {})))


async def _send(
    service: Service, method: str, path: str, items: Any = None, **headers: str
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {service.token}", **headers}
    async with service.client.request(
        method, f"/v1/{path}", json=items, headers=headers
    ) as response:
        return response.status, read_json(await response.read())


def _why(body: Any) -> Any:
    return [failure["errors"] for failure in body.get("failures", ())] or body
