"""The composition root of an API process: what it is made of, and how it runs."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

import structlog
import uvloop
from aiohttp import web

from ingest import logs, metrics, readiness
from ingest.access.callers import Callers
from ingest.access.rates import Rates
from ingest.batches.doorbell import Doorbell
from ingest.batches.idempotency import Keys
from ingest.batches.pipeline import Pipeline
from ingest.errors import ConfigurationError
from ingest.http import keys as app_keys
from ingest.http.authentication import authenticated
from ingest.http.budget import Budget
from ingest.http.concurrency import Concurrency
from ingest.http.large_items import LargeItems
from ingest.http.middleware import errors_as_documents, negotiated, traced
from ingest.http.routes import ROUTES
from ingest.http.security import (
    SERVER_OPTIONS,
    known_host,
    parse_hosts,
    parse_networks,
    secure,
)
from ingest.http.server import JsonAppRunner
from ingest.http.throttle import tell_quotas, throttled
from ingest.redis import open_redis
from ingest.resources.registry import Registry, load_registry
from ingest.resources.representation import Presenter
from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.tokens import find_caller

log = structlog.get_logger(__name__)

_WINDOWS = 128 * 1024 * 1024  # bytes that all streams of zstd may keep together
_COLLECT = (50_000, 20, 50)  # objects, young collections, middle ones until the next one
# One is validated while the next is decoded, charged and claimed.
_DECODED = 2
_GOODBYES = 1.0  # seconds in which connections that are in use get the answer that ends them


def create_app(settings: Settings, registry: Registry) -> web.Application:
    """The application; its connections are opened when it starts and closed when it stops."""
    metrics.prepare_api(
        registry, max_items=settings.max_backlog_items, max_bytes=settings.max_backlog_bytes
    )
    app = web.Application(
        middlewares=[traced, errors_as_documents, known_host, negotiated, authenticated, throttled]
    )
    app[app_keys.SETTINGS] = settings
    app[app_keys.REGISTRY] = registry
    app[app_keys.PRESENTERS] = {name: Presenter(each) for name, each in registry.items()}
    app[app_keys.ALLOWED_HOSTS] = parse_hosts(settings.allowed_hosts)
    app[app_keys.TRUSTED_PROXIES] = parse_networks(settings.trusted_proxies)
    app[app_keys.CONCURRENCY] = Concurrency(settings.max_concurrent)
    app.add_routes(ROUTES)
    app[app_keys.DECODING] = asyncio.Semaphore(1)
    app[app_keys.PLACES] = asyncio.Semaphore(_DECODED)
    app[app_keys.LARGE_ITEMS] = LargeItems()
    app[app_keys.WINDOWS] = Budget(_WINDOWS, "Too many bodies of zstd are being read")
    app[app_keys.STOPPING] = asyncio.Event()
    app.on_response_prepare.append(secure)
    app.on_response_prepare.append(tell_quotas)
    app.on_response_prepare.append(_say_goodbye)
    app.cleanup_ctx.append(_connections)
    return app


async def _say_goodbye(request: web.Request, response: web.StreamResponse) -> None:
    """Tell clients that a connection ends with this answer, once the process is stopping.

    Otherwise they would send their next request into a connection that is being closed.
    """
    if request.app[app_keys.STOPPING].is_set():
        response.force_close()
        response.headers["Connection"] = "close"  # aiohttp has decided on it before it calls us


async def _connections(app: web.Application) -> AsyncIterator[None]:
    settings, registry = app[app_keys.SETTINGS], app[app_keys.REGISTRY]
    async with open_pool(settings) as pool, open_redis(settings) as redis:
        keys = Keys(redis, lease=settings.idempotency_lease, ttl=settings.idempotency_ttl)
        pipeline = Pipeline(settings, registry, pool, keys, Doorbell(redis))
        app[app_keys.POOL] = pool
        callers = app[app_keys.CALLERS] = Callers(partial(find_caller, pool))
        app[app_keys.REDIS] = redis
        app[app_keys.RATES] = Rates(settings, redis)
        app[app_keys.PIPELINE] = pipeline
        waking = asyncio.create_task(pipeline.waiters.run())
        waking.add_done_callback(_stop_if_broken)
        yield
        waking.cancel()
        with suppress(asyncio.CancelledError):
            await waking
        await pipeline.close()
        await callers.close()
        await pipeline.backlog.close()


def _stop_if_broken(waking: "asyncio.Task[None]") -> None:
    """A process that can wake nobody is of no use: whoever supervises it starts another."""
    if not waking.cancelled() and (error := waking.exception()) is not None:
        log.error("nobody can be woken any more", exc_info=error)
        signal.raise_signal(signal.SIGTERM)


def serve(settings: Settings) -> None:
    """Run an API process until SIGTERM or SIGINT; requests under way are answered first.

    Raises:
        ConfigurationError: the resources cannot be served, or the address cannot be listened on.
    """
    logs.configure(settings)
    registry = load_registry(settings.resources)
    uvloop.run(_serve(settings, registry))


def _tame_the_collector() -> None:
    """Look for garbage in cycles less often than Python does by itself.

    Every item of a body is some ten objects that live for a moment and are in no cycle; looking at
    them again and again costs a third of their validation.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


async def _serve(settings: Settings, registry: Registry) -> None:
    app = create_app(settings, registry)
    _tame_the_collector()
    runner = JsonAppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        shutdown_timeout=settings.shutdown_timeout,
        **SERVER_OPTIONS,
    )
    await runner.setup()
    try:
        site = web.TCPSite(
            runner, settings.host, settings.port, reuse_port=settings.reuse_port, backlog=1024
        )
        try:
            await site.start()
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}"
            ) from error
        log.info("serving", host=settings.host, port=settings.port, collections=list(registry))
        readiness.announce()
        await _stop_signal()
        app[app_keys.STOPPING].set()
        await site.stop()
        await asyncio.sleep(_GOODBYES)
    finally:
        await runner.cleanup()


async def _stop_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
