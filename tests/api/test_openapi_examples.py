"""What the OpenAPI document shows is what the service takes and answers: each example is sent."""

import re
from functools import cache
from itertools import count, product
from typing import Any

import orjson
import pytest
import yaml

from ingest.describe.answers import BAD_ITEM
from ingest.describe.examples import BATCH, KEY
from ingest.describe.openapi import openapi
from ingest.formats.negotiation import CSV, JSON, NDJSON, REQUESTS, XML, YAML
from ingest.resources.registry import Registry
from ingest.settings import Settings
from tests.harness import REGISTRY, Service

NAMED = ("collection", "data", "hash", "rpc", "status")
EXTENSIONS = {JSON: "json", XML: "xml", YAML: "yaml"}
TIMESTAMP = "2026-11-24T12:30:00.000Z"
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
COLLECTIONS = ("airports", "contacts", "deals", "everything", "guarded", "notes")
SERVED = Registry([REGISTRY[name] for name in COLLECTIONS])


@cache
def document() -> dict[str, Any]:
    settings = Settings(database_url="", redis_url="")
    found: dict[str, Any] = orjson.loads(orjson.dumps(openapi(SERVED, settings)))
    return found


def operation(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["paths"][path][method]
    return found


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, or what it refers to."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    found: dict[str, Any] = document()["components"][kind][name]
    return found


def example(path: str, method: str, status: int, media_type: str, name: str) -> Any:
    """An example of an answer."""
    response = resolved(operation(path, method)["responses"][str(status)])
    return resolved(response["content"][media_type]["examples"][name])["value"]


def request_example(path: str, method: str, media_type: str) -> bytes:
    value = resolved(operation(path, method)["requestBody"])["content"][media_type]["example"]
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def as_example(text: str, *, batch: str | None = None, key: str | None = None) -> str:
    """An answer with the ids and the moment of examples."""
    for found, shown in ((batch, BATCH), (key, KEY)):
        if found is not None:
            text = text.replace(found, shown)
    return _TIME.sub(TIMESTAMP, text)


class Sender:
    """Sends examples to a collection, and reads what comes back as the examples have it."""

    def __init__(self, service: Service, collection: str) -> None:
        self.service = service
        self.resource = REGISTRY[collection]
        self.root = f"/v1/{collection}"
        self.key = self.resource.key.data_key
        self._numbers = count()

    async def send(self, method: str, path: str, body: Any, **headers: str) -> tuple[int, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Authorization", f"Bearer {self.service.token}")
        named.setdefault("Content-Type", JSON)
        named.setdefault("Idempotency-Key", f"k{next(self._numbers)}")
        data = body if isinstance(body, bytes | None) else orjson.dumps(body)
        async with self.service.client.request(method, path, data=data, headers=named) as answer:
            return answer.status, await answer.text()

    async def keys(self) -> list[Any]:
        """Those of the stored items."""
        status, text = await self.send("GET", self.root, None)
        assert status == 200
        return [item[self.key] for item in orjson.loads(text)["data"]]

    async def clear(self) -> None:
        found = [{self.key: key} for key in await self.keys()]
        status, _ = await self.send("DELETE", self.root, found)
        assert status == 200


@pytest.mark.parametrize("collection", COLLECTIONS)
async def test_each_media_type_of_a_body_is_taken(service: Service, collection: str) -> None:
    """The answers to all of them are the one of the example."""
    sender = Sender(service, collection)
    shown = orjson.dumps(
        example(sender.root, "post", 201, JSON, "saved"), option=orjson.OPT_SORT_KEYS
    )
    for media_type in REQUESTS:
        body = request_example(sender.root, "post", media_type)
        status, text = await sender.send("POST", sender.root, body, Content_Type=media_type)
        assert status == 201, (media_type, text)
        answer = orjson.loads(text)
        [key] = await sender.keys()
        made = key if self_made(sender, key) else None
        told = as_example(text, batch=answer["metadata"]["batchId"], key=made)
        assert orjson.dumps(orjson.loads(told), option=orjson.OPT_SORT_KEYS) == shown, media_type
        await sender.clear()


def self_made(sender: Sender, key: Any) -> bool:
    return sender.resource.server_key and isinstance(key, str)


@pytest.mark.parametrize("collection", ["contacts", "deals", "airports"])
async def test_each_format_and_dialect_of_an_answer(service: Service, collection: str) -> None:
    sender = Sender(service, collection)
    body = request_example(sender.root, "post", JSON)
    asked = [(each, each) for each in EXTENSIONS]
    asked += [(f"{JSON}; dialect={name}", JSON) for name in NAMED]
    for accept, format_ in asked:
        status, text = await sender.send(
            "POST", f"{sender.root}.{EXTENSIONS[format_]}", body, Accept=accept, Content_Type=JSON
        )
        response = resolved(operation(sender.root, "post")["responses"][str(status)])
        told = example(sender.root, "post", status, accept, "saved")
        [key] = await sender.keys()
        batches = orjson.loads((await sender.send("GET", "/v1/batches", None))[1])
        text = as_example(
            text,
            batch=batches["data"][0]["id"],
            key=key if self_made(sender, key) else None,
        )
        assert response["content"][accept]
        if format_ == JSON:
            # What is counted of other items, too, is not in the example of one.
            answer = orjson.loads(text)
            for summary in sender.resource.summaries:
                answer.pop(summary, None)
            assert answer == told, accept
        else:
            assert text == told
        await sender.clear()


@pytest.mark.parametrize("collection", ["contacts", "deals", "airports"])
async def test_what_is_saved_is_shown_changed_and_deleted(
    service: Service, collection: str
) -> None:
    sender = Sender(service, collection)
    sent = orjson.loads(request_example(sender.root, "post", JSON))[0]
    changed = orjson.loads(request_example(sender.root, "patch", JSON))[0]
    key = changed[sender.key]
    assert sent[sender.key] == key, "what was saved is changed and deleted next"
    before = {**sent}
    [field] = changed.keys() - {sender.key}
    before[field] = f"x{before[field]}"[: len(before[field])]
    await check(sender, "POST", sender.root, [{**before, **changed}], 201, "saved", "post")
    await check(sender, "GET", sender.root, None, 200, "items", "get")
    for media_type in (NDJSON, CSV):
        shown = resolved(operation(sender.root, "get")["responses"]["200"])["content"][media_type]
        status, text = await sender.send("GET", sender.root, None, Accept=media_type)
        read = orjson.loads if media_type == NDJSON else str
        assert (status, read(text)) == (200, read(shown["example"]))
    status, text = await sender.send("GET", f"{sender.root}/{key}", None)
    told = example(f"{sender.root}/{{key}}", "get", 200, JSON, "item")
    assert (status, orjson.loads(as_example(text))) == (200, told)
    await sender.clear()
    await sender.send("POST", sender.root, [before])
    for media_type in (JSON, NDJSON, CSV, XML, YAML):
        body = request_example(sender.root, "patch", media_type)
        status, text = await sender.send(
            "PATCH", f"{sender.root}?dryRun=true", body, Content_Type=media_type
        )
        assert status == 200, text
    await check(sender, "PATCH", sender.root, [changed], 200, "saved", "patch")
    for media_type in (JSON, NDJSON, CSV, XML, YAML):
        body = request_example(sender.root, "delete", media_type)
        status, text = await sender.send(
            "DELETE", f"{sender.root}?dryRun=true", body, Content_Type=media_type
        )
        assert status == 200, text
    deleted = orjson.loads(request_example(sender.root, "delete", JSON))
    await check(sender, "DELETE", sender.root, deleted, 200, "saved", "delete")


@pytest.mark.parametrize("collection", ["contacts", "deals", "airports"])
async def test_each_media_type_of_one_item_is_taken(service: Service, collection: str) -> None:
    sender = Sender(service, collection)
    await sender.send("POST", sender.root, request_example(sender.root, "post", JSON))
    [key] = await sender.keys()
    for media_type in EXTENSIONS:
        body = request_example(f"{sender.root}/{{key}}", "patch", media_type)
        status, text = await sender.send(
            "PATCH",
            f"{sender.root}/{key}?dryRun=true",
            body,
            Content_Type=media_type,
            Accept=f"{JSON}; dialect=data",
        )
        assert status == 200, (media_type, text)


async def test_each_call_of_rpc_is_taken(service: Service) -> None:
    """One after another, as each finds what the one before has left."""
    sender, root = Sender(service, "airports"), "/api/v1.1/airports"
    for media_type, end in product((JSON, XML), ("", "_batch")):
        for verb in ("add", "import", "get", "update", "delete"):
            path = f"{root}/{verb}" if verb == "get" else f"{root}/{verb}{end}"
            body = request_example(path, "post", media_type)
            status, text = await sender.send("POST", path, body, Content_Type=media_type)
            assert (status, orjson.loads(text)["error"]) == (200, 0), (path, media_type, text)


async def test_what_is_changed_and_deleted_is_told_in_brief(service: Service) -> None:
    """Of PATCH and DELETE, one example of the items is enough."""
    sender = Sender(service, "airports")
    asked = [f"{JSON}; dialect={name}" for name in NAMED if name != "rpc"]
    for method, accept in product(("patch", "delete"), (XML, YAML, *asked)):
        [item] = orjson.loads(request_example(sender.root, "post", JSON))
        await sender.send("POST", sender.root, [{**item, "name": "another"}])
        path = f"{sender.root}.{EXTENSIONS.get(accept, 'json')}"
        body = request_example(sender.root, method, JSON)
        status, text = await sender.send(
            method.upper(), path, body, Accept=accept, Prefer="return=minimal"
        )
        batches = orjson.loads((await sender.send("GET", "/v1/batches", None))[1])
        told = example(sender.root, method, status, accept, "saved")
        shown = as_example(text, batch=batches["data"][0]["id"])
        assert (shown if accept in (XML, YAML) else orjson.loads(shown)) == told, (method, accept)
        await sender.send("DELETE", sender.root, [item])


@pytest.mark.parametrize("collection", ["contacts", "deals", "airports"])
async def test_what_is_refused_is_told(service: Service, collection: str) -> None:
    sender = Sender(service, collection)
    [item] = orjson.loads(request_example(sender.root, "post", JSON))
    two = [item, BAD_ITEM]
    await check(sender, "POST", sender.root, two, 422, "invalid_items", "post")
    await sender.send("POST", sender.root, [item])
    deleted = [{sender.key: key} for key in await sender.keys()]
    await check(sender, "DELETE", sender.root, [*deleted, {}], 422, "invalid_items", "delete")
    await sender.clear()
    status, text = await sender.send("POST", f"{sender.root}?dryRun=true", [item])
    told = example(sender.root, "post", 200, JSON, "dryRun")
    assert (status, orjson.loads(as_example(text))) == (200, told)
    prefer = "handling=lenient, return=minimal"
    await check(sender, "POST", sender.root, two, 207, "partial", "post", Prefer=prefer)


async def test_failures_and_events_come_as_files(service: Service) -> None:
    sender = Sender(service, "contacts")
    await sender.send("POST", sender.root, [BAD_ITEM, BAD_ITEM])
    [batch] = orjson.loads((await sender.send("GET", "/v1/batches", None))[1])["data"]
    path = "/v1/batches/{batch}/failures"
    told = resolved(operation(path, "get")["responses"]["200"])["content"]
    for media_type in (NDJSON, CSV):
        _, text = await sender.send("GET", path.format(batch=batch["id"]), None, Accept=media_type)
        *_, last = text.splitlines()
        assert last == told[media_type]["example"].splitlines()[-1]
        assert text.splitlines()[0] == told[CSV]["example"].splitlines()[0] or media_type == NDJSON
    told = resolved(operation("/v1/batches/{batch}", "get")["responses"]["200"])["content"]
    _, text = await sender.send(
        "GET", f"/v1/batches/{batch['id']}", None, Accept="text/event-stream"
    )
    sent, shown = (
        [line.partition(": ")[::2] for line in each.splitlines() if line]
        for each in (text, told["text/event-stream"]["example"])
    )
    assert [name for name, _ in sent] == [name for name, _ in shown] == ["event", "id", "data"]
    assert [value for _, value in sent[:2]] == [value for _, value in shown[:2]]
    assert orjson.loads(sent[2][1]).keys() == orjson.loads(shown[2][1]).keys()


async def check(
    sender: Sender,
    method: str,
    path: str,
    body: Any,
    status: int,
    name: str,
    of: str,
    **headers: str,
) -> None:
    """Send something, and compare what comes back with an example."""
    got, text = await sender.send(method, path, body, **headers)
    assert got == status, text
    answer = orjson.loads(text)
    told = as_example(text, batch=answer["metadata"].get("batchId"))
    assert orjson.loads(told) == example(sender.root, of, status, JSON, name)


def test_yaml_examples_say_what_the_json_ones_say() -> None:
    for name, shown in document()["components"]["examples"].items():
        if name.endswith(".yaml"):
            text = shown["value"]
            same = document()["components"]["examples"].get(name.removesuffix(".yaml"))
            if same is not None:
                assert yaml.load(text, yaml.CSafeLoader) == same["value"], name
