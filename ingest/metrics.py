"""What the service counts and measures, for Prometheus; the only module that knows its client.

Every metric is here. Labels take collections of the registry, methods, statuses and states:
nothing that a client invents, and no account.

Processes that are supervised together (`ingest dev`, `ingest serve --processes`) keep their
numbers in one folder, and each of them shows the sums of all. A part that is started again goes on
with the numbers of its predecessor, so a counter never falls and the folder never grows.
"""

from collections.abc import Iterable

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    start_http_server,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

from ingest.environment import metrics_folder, part_name
from ingest.errors import ConfigurationError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FOLDER = metrics_folder()
_PART = part_name()
if _FOLDER is not None and _PART is not None:
    # By part, and not by process as the client does by itself.
    values.ValueClass = values.MultiProcessValue(lambda: _PART)  # type: ignore[no-untyped-call]  # not typed there
disable_created_metrics()  # type: ignore[no-untyped-call]  # not typed there

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_OTHER = "other"
_STATES = ("accepted", "rejected", "committed", "failed")
_UP_TO_TEN = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# An answer that waits for a commit in vain comes a moment after ten seconds (`INGEST_WAIT`).
_REQUEST_BUCKETS = (*_UP_TO_TEN, 11, 15, 30, 60)
_DATABASE_BUCKETS = (*_UP_TO_TEN, 30)
# What only API processes know; a worker by itself would show an empty backlog.
_OF_API = CollectorRegistry()

_REQUESTS = Counter(
    "ingest_requests", "Requests that were answered.", ["method", "collection", "status"]
)
_REQUEST_SECONDS = Histogram(
    "ingest_request_duration_seconds",
    "From a request's headers to its answer, the wait for the commit included.",
    ["method"],
    buckets=_REQUEST_BUCKETS,
)
_ITEMS = Counter(
    "ingest_items", "Items that were validated, by what came of it.", ["collection", "result"]
)
_BATCHES = Counter("ingest_batches", "Batches that entered a state.", ["collection", "state"])
_FINISHED_ITEMS = Counter(
    "ingest_finished_items", "Items of batches that were committed or failed.", ["collection"]
)
_REPLAYS = Counter(
    "ingest_replays", "Writes whose Idempotency-Key was used before.", ["collection"]
)
_REFUSED = Counter(
    "ingest_backpressure_rejections", "Writes refused because of the backlog.", ["collection"]
)
_UNCHECKED = Counter(
    "ingest_rates_unchecked", "Writes whose rate was not checked, because Redis was away."
)
_COMMIT_SECONDS = Histogram(
    "ingest_commit_duration_seconds",
    "One transaction that applies accepted batches.",
    ["collection"],
    buckets=_DATABASE_BUCKETS,
)
STAGE_SECONDS = Histogram(
    "ingest_stage_duration_seconds",
    "From a validated batch to one that is durable; not of streams, staged while they arrive.",
    buckets=_DATABASE_BUCKETS,
)
"""`with STAGE_SECONDS.time():` around what makes a batch durable."""


def _shared_gauge(name: str, meaning: str) -> Gauge:
    """A gauge of which every API process knows the same value; the latest counts."""
    return Gauge(name, meaning, multiprocess_mode="mostrecent", registry=_OF_API)


_BACKLOG_BATCHES = _shared_gauge("ingest_backlog_batches", "Batches accepted and unfinished.")
_BACKLOG_ITEMS = _shared_gauge("ingest_backlog_items", "Items of batches accepted and unfinished.")
_BACKLOG_BYTES = _shared_gauge("ingest_backlog_bytes", "Their staged payloads.")
_BACKLOG_AGE = _shared_gauge("ingest_backlog_age_seconds", "Age of the oldest unfinished batch.")
_DRAIN_RATE = _shared_gauge(
    "ingest_backlog_drain_items_per_second", "Items of the backlog finished a second, of late."
)
_MAX_ITEMS = _shared_gauge("ingest_backlog_max_items", "Where writes are refused, in items.")
_MAX_BYTES = _shared_gauge("ingest_backlog_max_bytes", "Where writes are refused, in bytes.")
_REDIS_AWAY = Gauge(
    "ingest_redis_away", "Processes that do without Redis now.", multiprocess_mode="sum"
)


def prepare_api(collections: Iterable[str], *, max_items: int, max_bytes: int) -> None:
    """Show what an API process counts from its start on, at zero."""
    _REDIS_AWAY.set(0)  # whatever the part's predecessor left
    _MAX_ITEMS.set(max_items)
    _MAX_BYTES.set(max_bytes)
    for name in collections:
        for counter, values_ in ((_ITEMS, ("valid", "invalid")), (_BATCHES, _STATES[:2])):
            for value in values_:
                counter.labels(name, value)
        _REPLAYS.labels(name)
        _REFUSED.labels(name)


def prepare_worker(collections: Iterable[str]) -> None:
    """Show what a worker counts from its start on, at zero."""
    _REDIS_AWAY.set(0)
    for name in collections:
        for state in _STATES[2:]:
            _BATCHES.labels(name, state)
        _FINISHED_ITEMS.labels(name)
        _COMMIT_SECONDS.labels(name)


def answered(method: str, collection: str, status: int, seconds: float) -> None:
    """Count a request that got its answer.

    Args:
        collection: one of the registry; empty where the request was not about any.
    """
    known = method if method in _METHODS else _OTHER
    _REQUESTS.labels(known, collection, str(status)).inc()
    _REQUEST_SECONDS.labels(known).observe(seconds)


def unreadable(status: int) -> None:
    """Count an answer to what is no request."""
    _REQUESTS.labels(_OTHER, "", str(status)).inc()


def validated(collection: str, state: str, valid: int, invalid: int) -> None:
    """Count a batch that is `accepted` or `rejected`, and its items."""
    _BATCHES.labels(collection, state).inc()
    _ITEMS.labels(collection, "valid").inc(valid)
    _ITEMS.labels(collection, "invalid").inc(invalid)


def replayed(collection: str) -> None:
    """Count a write whose key was used before."""
    _REPLAYS.labels(collection).inc()


def refused(collection: str) -> None:
    """Count a write that the backlog kept out."""
    _REFUSED.labels(collection).inc()


def rate_unchecked() -> None:
    """Count a write that passed its rates because Redis was away."""
    _UNCHECKED.inc()


def commit_took(collection: str, seconds: float) -> None:
    """Measure a transaction that applied batches of a collection."""
    _COMMIT_SECONDS.labels(collection).observe(seconds)


def finished(collection: str, state: str, items: int) -> None:
    """Count a batch that is `committed` or `failed`, and all its items."""
    _BATCHES.labels(collection, state).inc()
    _FINISHED_ITEMS.labels(collection).inc(items)


def backlog(batches: int, items: int, size: int, age: float, drain_rate: float) -> None:
    """Show what is accepted and unfinished; `size` in bytes, `age` in seconds."""
    _BACKLOG_BATCHES.set(batches)
    _BACKLOG_ITEMS.set(items)
    _BACKLOG_BYTES.set(size)
    _BACKLOG_AGE.set(age)
    _DRAIN_RATE.set(drain_rate)


def redis_away(away: bool) -> None:
    """Show whether this process does without Redis."""
    _REDIS_AWAY.set(int(away))


def render() -> bytes:
    """Everything in Prometheus's text format: of this process, or of all that share its folder."""
    if _FOLDER is not None:
        return generate_latest(_shared(_FOLDER))
    return generate_latest(REGISTRY) + generate_latest(_OF_API)


def serve(host: str, port: int) -> None:
    """Answer `GET /metrics` on a port of its own, for a worker: there is no backlog in it.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    try:
        start_http_server(port, host, REGISTRY if _FOLDER is None else _shared(_FOLDER))
    except OSError as error:
        raise ConfigurationError(
            f"cannot serve metrics on {host}:{port}: {error.strerror or error}; "
            "set INGEST_WORKER_METRICS_PORT to another port"
        ) from error


def _shared(folder: str) -> CollectorRegistry:
    """What all processes have in a folder."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]  # not typed there
    return registry
