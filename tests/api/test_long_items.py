"""What takes long is not done by the event loop: others get their answers meanwhile."""

import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ingest.formats import decoding
from ingest.formats.csv import CsvDecoder
from ingest.formats.ndjson import NdjsonDecoder
from ingest.store import failures
from ingest.validation.items import ItemValidator
from tests.api.shared import JIM
from tests.harness import Service

MANY = {f"field{number}": 1 for number in range(5_000)}
LONG = {**JIM, "company": "x" * 300_000}
LOOP = threading.main_thread()


class Watch:
    """Where each call of a function ran."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def on(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            self.threads.append(threading.current_thread())
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, watched)

    @property
    def on_loop(self) -> list[bool]:
        return [thread is LOOP for thread in self.threads]


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    watch = Watch()
    watch.on(monkeypatch, ItemValidator, "check")
    yield watch
    assert watch.threads


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson"])
async def test_an_item_of_many_values_is_explained_in_a_thread(
    api: Service, checks: Watch, media_type: str
) -> None:
    items = [JIM, {"email": "x"}, MANY, {"email": "y"}]
    body = json.dumps(items) if "ndjson" not in media_type else "\n".join(map(json.dumps, items))
    reply = await api.request("POST", "/v1/contacts", data=body, content_type=media_type)
    assert reply.status == 422
    assert [len(codes) for codes in reply.codes.values()] == [2, 5_002, 2]
    assert checks.on_loop == [True, False, True]


@pytest.mark.parametrize(
    ("items", "on_loop"), [([JIM], True), ([LONG], False)], ids=["short", "long"]
)
@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson", "text/csv"])
async def test_a_long_body_is_decoded_in_a_thread(
    api: Service,
    monkeypatch: pytest.MonkeyPatch,
    media_type: str,
    items: list[dict[str, Any]],
    on_loop: bool,
) -> None:
    watch = Watch()
    body = json.dumps(items)
    if media_type == "application/json":
        watch.on(monkeypatch, decoding.json, "decode")
    elif media_type == "text/csv":
        watch.on(monkeypatch, CsvDecoder, "feed")
        body = "\n".join([",".join(items[0]), ",".join(items[0].values())]) + "\n"
    else:
        watch.on(monkeypatch, NdjsonDecoder, "feed")
        body = json.dumps(items[0]) + "\n"
    data = io.BytesIO(body.encode())
    reply = await api.request(
        "POST", "/v1/contacts?dryRun=true", data=data, content_type=media_type
    )
    assert reply.status in (200, 422)
    assert watch.on_loop[-1] is on_loop


@pytest.mark.parametrize(("size", "on_loop"), [(100, True), (600_000, False)])
async def test_a_long_item_is_read_from_storage_in_a_thread(
    api: Service, monkeypatch: pytest.MonkeyPatch, size: int, on_loop: bool
) -> None:
    item = {"email": "x" * size, "age": 12345678901234567890.10}
    refused = await api.post("contacts", [item])
    watch = Watch()
    watch.on(monkeypatch, failures, "load_exact")
    path = f"batches/{refused.body['metadata']['batchId']}"
    reply = await api.get(path)
    assert reply.body["data"]["failures"] == refused.body["failures"]
    assert watch.threads == []  # it is shown as it is stored
    reply = await api.get(f"{path}/failures")
    assert [each["rawData"] for each in reply.body["failures"]] == [item]
    assert watch.on_loop == [on_loop]
