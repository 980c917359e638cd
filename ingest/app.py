"""The composition root of an API process: what it is made of, and how it runs."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog
import uvloop
from aiohttp import web

from ingest import logs, metrics, readiness
from ingest.access.callers import Callers
from ingest.access.rates import Rates
from ingest.batches.doorbell import Doorbell
from ingest.batches.idempotency import Claims
from ingest.batches.pipeline import Pipeline
from ingest.describe.openapi import openapi
from ingest.http.admission import Admission
from ingest.http.described import OpenApi
from ingest.http.documentation import MADE
from ingest.http.gate import UnderWay
from ingest.http.middleware import complete_headers, handle
from ingest.http.routes import ROUTES
from ingest.http.security import SERVER_OPTIONS, parse_hosts, parse_networks
from ingest.http.server import JsonAppRunner
from ingest.http.service import SERVICE, Service
from ingest.listening import refused
from ingest.loop_time import LoopTime
from ingest.ready_file import check_ready_file, places_of, ready_file
from ingest.redis import open_redis
from ingest.resources.registry import Registry, load_registry
from ingest.resources.representation import Presenter
from ingest.settings import Settings
from ingest.store.missing import missing_tables
from ingest.store.notices import open_notices
from ingest.store.pool import open_pool
from ingest.store.state import state_logged
from ingest.store.tokens import find_caller
from ingest.tasks import end

log = structlog.get_logger(__name__)

_COLLECT = (50_000, 20, 50)  # objects, young collections, middle ones until the next one
_LAST_ANSWERS = 1.0  # seconds in which connections that are in use get the answer that ends them


def create_app(settings: Settings, registry: Registry) -> web.Application:
    """The application; its connections are opened when it starts and closed when it stops.

    Raises:
        ConfigurationError: a setting cannot be read.
    """
    metrics.prepare_api(
        registry, max_items=settings.max_backlog_items, max_bytes=settings.max_backlog_bytes
    )
    parse_networks(settings.trusted_proxies)  # what is wrong with it is an error here and now
    app = web.Application(middlewares=[handle])
    app[MADE] = {}
    app.add_routes(ROUTES)
    app.on_response_prepare.append(complete_headers)
    app.cleanup_ctx.append(partial(_service, settings, registry))
    return app


async def _service(
    settings: Settings, registry: Registry, app: web.Application
) -> AsyncIterator[None]:
    lacks = partial(missing_tables, served=registry)
    async with (
        open_pool(settings, lacks=lacks) as pool,
        open_redis(settings) as redis,
        open_notices(settings, pool) as notices,
        state_logged(pool, registry),
    ):
        claims = Claims(pool, redis, lease=settings.idempotency_lease, ttl=settings.idempotency_ttl)
        loop_time = LoopTime()
        service = app[SERVICE] = Service(
            settings=settings,
            registry=registry,
            presenters={name: Presenter(resource) for name, resource in registry.items()},
            hosts=parse_hosts(settings.allowed_hosts),
            proxies=parse_networks(settings.trusted_proxies),
            pool=pool,
            redis=redis,
            callers=Callers(partial(find_caller, pool)),
            rates=Rates(settings, redis),
            under_way=UnderWay(settings.max_concurrent, loop_time),
            admission=Admission(settings.account_share),
            loop_time=loop_time,
            pipeline=Pipeline(settings, registry, pool, claims, Doorbell(redis, notices)),
            openapi=OpenApi(partial(openapi, registry, settings)),
        )
        parts = [claims.leases.run()]
        if not settings.read_only:  # nothing waits, and a standby cannot LISTEN
            parts.append(service.pipeline.waiters.run())
        tasks = [asyncio.create_task(part) for part in parts]
        for task in tasks:
            task.add_done_callback(_stop_if_broken)
        yield
        await end(tasks)
        await service.pipeline.close()
        await service.callers.close()


def _stop_if_broken(task: "asyncio.Task[None]") -> None:
    """Stop a process without what all of its requests need; its supervisor starts another."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("requests are not woken, or their keys not kept, any more", exc_info=error)
        signal.raise_signal(signal.SIGTERM)


def serve(settings: Settings, file: Path | None = None) -> None:
    """Run an API process until SIGTERM or SIGINT; requests under way are answered first.

    Args:
        file: the ready file; None for none.

    Raises:
        ConfigurationError: the resources cannot be served, or the address cannot be listened on.
    """
    logs.configure(settings)
    if file is not None:
        check_ready_file(file)
    registry = load_registry(settings.resources)
    uvloop.run(_serve(settings, registry, file))


def _tame_the_collector() -> None:
    """Look for garbage in cycles less often than Python does by itself.

    Every item of a body is some ten objects that live for a moment and are in no cycle; looking at
    them again and again costs a third of their validation.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


async def _serve(settings: Settings, registry: Registry, file: Path | None) -> None:
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
            raise refused(settings.host, settings.port, error) from error
        settings = replace(settings, port=runner.addresses[0][1])
        log.info("serving", host=settings.host, port=settings.port, collections=list(registry))
        with ready_file(file, places_of(settings), lambda: {"api": [os.getpid()]}):
            readiness.announce()
            await _stop_signal()
        readiness.stopping()
        app[SERVICE].stopping.set()
        await site.stop()
        await asyncio.sleep(_LAST_ANSWERS)
    finally:
        await runner.cleanup()


async def _stop_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
