"""What the handlers of an API process work with; `ingest.app` puts it together."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from ingest.access.callers import Callers
from ingest.access.rates import Rates
from ingest.batches.pipeline import Pipeline
from ingest.http.admission import Admission
from ingest.http.described import OpenApi
from ingest.http.gate import UnderWay
from ingest.http.security import Networks
from ingest.loop_time import LoopTime
from ingest.redis import RedisLink
from ingest.resources.registry import Registry
from ingest.resources.representation import Presenter
from ingest.settings import Settings
from ingest.store.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The parts of an API process."""

    settings: Settings
    registry: Registry
    presenters: Mapping[str, Presenter]
    hosts: frozenset[str]
    proxies: Networks
    pool: Pool
    redis: RedisLink
    callers: Callers
    rates: Rates
    under_way: UnderWay
    admission: Admission
    loop_time: LoopTime
    pipeline: Pipeline
    openapi: OpenApi
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the process is about to stop."""


SERVICE = web.AppKey("service", Service)
