"""The AppKeys under which handlers find what `ingest.app` put together."""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from aiohttp import web

from ingest.access.callers import Callers
from ingest.access.rates import Quota, Rates
from ingest.access.rights import Caller
from ingest.batches.pipeline import Pipeline
from ingest.http.budget import Budget
from ingest.http.concurrency import Concurrency
from ingest.http.large_items import LargeItems
from ingest.model import Outcome
from ingest.redis import RedisLink
from ingest.resources.registry import Registry
from ingest.resources.representation import Presenter
from ingest.settings import Settings
from ingest.store.pool import Pool

SETTINGS = web.AppKey("settings", Settings)
REGISTRY = web.AppKey("registry", Registry)
PRESENTERS = web.AppKey("presenters", dict[str, Presenter])
ALLOWED_HOSTS = web.AppKey("allowed_hosts", frozenset[str])
TRUSTED_PROXIES = web.AppKey("trusted_proxies", tuple[IPv4Network | IPv6Network, ...])
CALLERS = web.AppKey("callers", Callers)
POOL = web.AppKey("pool", Pool)
REDIS = web.AppKey("redis", RedisLink)
RATES = web.AppKey("rates", Rates)
CONCURRENCY = web.AppKey("concurrency", Concurrency)
PIPELINE = web.AppKey("pipeline", Pipeline)
DECODING = web.AppKey("decoding", asyncio.Semaphore)
"""Holds bodies that are decoded beside the event loop back, so that there is one at a time."""
PLACES = web.AppKey("places", asyncio.Semaphore)
"""How many long bodies may be decoded and not yet validated. One more may be on its way: of what is
decoded beside the event loop, one at a time is decoded before it takes its place."""
LARGE_ITEMS = web.AppKey("large_items", LargeItems)
"""What is spent on items of more than ordinary size in streams."""
WINDOWS = web.AppKey("windows", Budget)
"""What streams of zstd keep, each up to 8 MiB, to go on from."""
STOPPING = web.AppKey("stopping", asyncio.Event)

CALLER = web.RequestKey("caller", Caller)
TRACE_ID = web.RequestKey("trace_id", str)
QUOTAS = web.RequestKey("quotas", Sequence[Quota])
LIMITED = web.RequestKey("limited", bool)
"""Whether the batch of the request says that its account has quotas."""
WRITTEN = web.RequestKey("written", Outcome)
"""What came of the write, as far as it is known."""
FORMAT = web.RequestKey("format", str)
"""The media type of the response."""
