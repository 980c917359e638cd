"""Faults on purpose, at named points, to show what a crash, a stall or a bug there does.

Nothing happens unless `INGEST_FAULTS` says so, such as `after_stage=crash@0.05,before_reply=raise`:

    point=action@probability        the probability is 1 where it is left out
    crash                           the process kills itself with SIGKILL
    stall:SECONDS                   whoever got there waits
    raise                           an exception that nothing expects

Each point draws from a random sequence of its own, which `INGEST_FAULTS_SEED` decides, so that
the same seed fails at the same visits.
"""

import asyncio
import os
import random
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from ingest.errors import ConfigurationError

log = structlog.get_logger(__name__)


class Point(StrEnum):
    """Where a fault can be, in the order in which a write gets there."""

    AFTER_CLAIM = "after_claim"
    """The idempotency key is claimed in Redis, nothing is durable."""
    AFTER_STAGE = "after_stage"
    """The batch is durable, nobody knows."""
    BEFORE_RING = "before_ring"
    AFTER_RING = "after_ring"
    BEFORE_COMMIT = "before_commit"
    """A worker has applied the batch and not committed it."""
    AFTER_COMMIT = "after_commit"
    BEFORE_PUBLISH = "before_publish"
    """The batch is finished, whoever waits has not been told."""
    BEFORE_REPLY = "before_reply"


class FaultInjected(Exception):
    """What `raise` raises: a bug, as far as the service can tell."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What may happen at one point."""

    action: str
    seconds: float = 0.0
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of one process; without any, `reached` does nothing."""

    planned: Mapping[Point, Fault] = field(default_factory=dict)
    seed: str = ""
    _draws: dict[Point, random.Random] = field(default_factory=dict)

    async def reached(self, point: Point) -> None:
        """Say that `point` is reached, and suffer what is planned there.

        Raises:
            FaultInjected: that was planned.
        """
        if self.planned and point in self.planned:
            await self._suffer(point, self.planned[point])

    async def _suffer(self, point: Point, fault: Fault) -> None:
        # No secret depends on it: it has to be repeatable.
        draws = self._draws.setdefault(point, random.Random(f"{self.seed}/{point}"))  # noqa: S311 - to be repeated, not secret
        if draws.random() >= fault.probability:
            return
        log.warning("fault", point=point.value, action=fault.action)
        if fault.action == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault.action == "stall":
            await asyncio.sleep(fault.seconds)
        else:
            raise FaultInjected(f"a fault was planned at {point.value}")


NO_FAULTS = Faults()


def parse_faults(planned: str, seed: str) -> Faults:
    """Read the settings `INGEST_FAULTS` and `INGEST_FAULTS_SEED`.

    Raises:
        ConfigurationError: `planned` cannot be read; the part that is wrong is named.
    """
    entries = [entry.strip() for entry in planned.split(",") if entry.strip()]
    return Faults(dict(_parse_entry(entry) for entry in entries), seed)


def _parse_entry(entry: str) -> tuple[Point, Fault]:
    where, _, what = entry.partition("=")
    what, at, probability = what.partition("@")
    action, colon, seconds = what.partition(":")
    try:
        point = Point(where)
        fault = Fault(action, float(seconds) if colon else 0.0, float(probability) if at else 1.0)
    except ValueError:
        raise _unreadable(entry) from None
    known = action in ("crash", "stall", "raise") and bool(colon) == (action == "stall")
    if not known or fault.seconds < 0 or not 0 <= fault.probability <= 1:
        raise _unreadable(entry)
    return point, fault


def _unreadable(entry: str) -> ConfigurationError:
    return ConfigurationError(
        f"INGEST_FAULTS: {entry!r} must be POINT=ACTION or POINT=ACTION@PROBABILITY, with ACTION "
        f"crash, raise or stall:SECONDS and POINT one of {', '.join(Point)}"
    )
