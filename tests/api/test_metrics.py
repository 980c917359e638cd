"""/metrics: what is counted, under which labels; and that the dashboard asks for what there is."""

import json
import os
import re
import signal
from pathlib import Path

import redis
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from ingest import metrics
from ingest.processes.port import free_port
from ingest.settings import Settings
from tests.api.shared import ANN, BAD, JIM, configured, exchange
from tests.harness import Service
from tests.waiting import until

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana" / "ingest.json"
Sample = tuple[str, frozenset[tuple[str, str]]]


def parsed(text: str) -> dict[Sample, float]:
    """Every sample, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scraped(service: Service) -> dict[Sample, float]:
    """Without a token: Prometheus has none."""
    async with service.client.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return parsed(await response.text())


async def grown(service: Service, before: dict[Sample, float], name: str, **labels: str) -> float:
    """By how much a sample has grown; the metrics of a test process are those of all its tests."""
    sample = (name, frozenset(labels.items()))
    return (await scraped(service)).get(sample, 0.0) - before.get(sample, 0.0)


async def test_items_batches_and_durations_are_counted(service: Service) -> None:
    before = await scraped(service)
    assert (await service.post("contacts", [JIM, ANN])).status == 201
    # Refused by validation, and tried: one is no contact, the other is stored already.
    assert (await service.post("contacts", [ANN, BAD])).status == 422
    assert (await service.post("contacts", [ANN])).status == 422  # refused by the database

    async def by(name: str, **labels: str) -> float:
        return await grown(service, before, name, **labels)

    contacts = {"collection": "contacts"}
    # The worker counts when it has committed, and its client may be answered a moment before.
    await until(lambda: reached(service, before, "ingest_finished_items_total", 3))
    assert await by("ingest_items_total", result="valid", **contacts) == 3
    assert await by("ingest_items_total", result="invalid", **contacts) == 2
    assert await by("ingest_batches_total", state="accepted", **contacts) == 2
    assert await by("ingest_batches_total", state="rejected", **contacts) == 1
    assert await by("ingest_batches_total", state="committed", **contacts) == 1
    assert await by("ingest_batches_total", state="failed", **contacts) == 1
    assert await by("ingest_stage_duration_seconds_count") == 2
    assert await by("ingest_commit_duration_seconds_count", **contacts) == 2
    assert await by("ingest_requests_total", method="POST", status="201", **contacts) == 1
    assert await by("ingest_requests_total", method="POST", status="422", **contacts) == 2
    assert await by("ingest_request_duration_seconds_count", method="POST") == 3


async def reached(service: Service, before: dict[Sample, float], name: str, value: float) -> bool:
    return await grown(service, before, name, collection="contacts") == value


async def test_replays_are_counted(service: Service) -> None:
    before = await scraped(service)
    for status in (201, 409, 409):
        assert (await service.post("contacts", [JIM], idempotency_key="k")).status == status
    assert await grown(service, before, "ingest_replays_total", collection="contacts") == 2


async def test_the_backlog_is_shown_as_it_is_when_asked(api: Service) -> None:
    await api.post("contacts", [JIM, ANN], prefer="respond-async")

    async def shown() -> bool:  # within the time between two readings
        return (await scraped(api))["ingest_backlog_items", frozenset()] == 2

    await until(shown)
    samples = await scraped(api)
    assert samples["ingest_backlog_batches", frozenset()] == 1
    assert samples["ingest_backlog_bytes", frozenset()] > 0
    assert samples["ingest_backlog_age_seconds", frozenset()] > 0
    assert samples["ingest_backlog_max_items", frozenset()] == 2_000_000


@configured(redis_url="redis://127.0.0.1:1/0")
async def test_redis_that_is_away_is_shown(api: Service) -> None:
    await api.post("contacts", [JIM], prefer="respond-async", idempotency_key="k")
    assert (await scraped(api))["ingest_redis_away", frozenset()] == 1


@configured(redis_timeout=0.1)
async def test_redis_that_is_back_is_shown_by_a_process_without_requests(
    api: Service, settings: Settings
) -> None:
    with redis.Redis.from_url(settings.redis_url) as client:
        server = int(client.info("server")["process_id"])
    os.kill(server, signal.SIGSTOP)
    try:
        await api.post("contacts", [JIM], prefer="respond-async", idempotency_key="k")
        assert (await scraped(api))["ingest_redis_away", frozenset()] == 1
    finally:
        os.kill(server, signal.SIGCONT)

    async def back() -> bool:
        return (await scraped(api))["ingest_redis_away", frozenset()] == 0

    await until(back)


async def test_an_answer_that_waited_for_nothing_has_a_bucket_of_its_own(api: Service) -> None:
    """INGEST_WAIT is 10 s, and the next bucket should not be a minute."""
    before = await scraped(api)
    metrics.answered("POST", "contacts", 202, 10.01)
    grows = {
        le: await grown(api, before, "ingest_request_duration_seconds_bucket", method="POST", le=le)
        for le in ("10.0", "11.0", "15.0", "30.0", "60.0")
    }
    assert grows == {"10.0": 0, "11.0": 1, "15.0": 1, "30.0": 1, "60.0": 1}


async def test_labels_take_nothing_that_clients_invent(api: Service) -> None:
    before = await scraped(api)
    await api.get("no-such-collection")
    await api.get("contacts/no-such-key")
    await api.request("PURGE", "/v1/contacts")
    await exchange(api, b"NONSENSE\r\n\r\n")
    after = await scraped(api)
    unknown = {"method": "GET", "collection": "", "status": "404"}
    assert await grown(api, before, "ingest_requests_total", **unknown) == 1
    other = {"method": "other", "collection": "", "status": "405"}
    assert await grown(api, before, "ingest_requests_total", **other) == 1
    unreadable = {"method": "other", "collection": "", "status": "400"}
    assert await grown(api, before, "ingest_requests_total", **unreadable) == 1
    values = {value for _, labels in after for _, value in labels}
    assert not values & {"no-such-collection", "no-such-key", "PURGE", "NONSENSE", "acme"}
    assert {name for key, labels in after if key.startswith("ingest_") for name, _ in labels} <= {
        "collection", "le", "method", "result", "state", "status"
    }  # fmt: skip


async def test_the_dashboard_asks_for_what_there_is(service: Service) -> None:
    """And for all of it: what is not read need not be counted."""
    await service.post("contacts", [JIM])
    await service.get("contacts")
    there = {name for name, _ in await scraped(service) if name.startswith("ingest_")}
    asked = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            asked |= set(re.findall(r"\bingest_\w+", target["expr"]))
    assert asked <= there
    assert {re.sub(r"_(sum|count)$", "_bucket", name) for name in there} == asked


async def test_a_process_of_its_own_serves_its_metrics_on_a_port(settings: Settings) -> None:
    port = free_port()
    metrics.serve(settings.host, port)
    async with (
        ClientSession() as client,
        client.get(f"http://{settings.host}:{port}/metrics") as response,
    ):
        assert response.status == 200
        samples = parsed(await response.text())
    assert ("ingest_redis_away", frozenset()) in samples
    # It never reads the backlog, and must not tell that it is empty.
    assert not [
        name for name, _ in samples if name.startswith("ingest_backlog_") and "reject" not in name
    ]
