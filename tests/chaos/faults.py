"""Planned faults at named points of a write: what a crash, a stall or a bug there does.

A plan reads such as `after_stage=crash@0.05,before_reply=raise`:

    point=action@probability        the probability is 1 where it is left out
    crash                           the process kills itself with SIGKILL
    stall:SECONDS                   the caller waits
    raise                           an exception that the service does not expect

Each point draws from a random sequence of its own, which the seed decides, so that the same seed
fails at the same visits. `tests.chaos.injection` puts the points into the service.
"""

import asyncio
import os
import random
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

log = structlog.get_logger(__name__)


class Point(StrEnum):
    """Where a fault can be, in the order in which a write gets there."""

    AFTER_CLAIM = "after_claim"
    """The idempotency key is claimed in Redis, nothing is durable."""
    AFTER_STAGE = "after_stage"
    """The batch is durable, and no worker knows of it."""
    BEFORE_RING = "before_ring"
    AFTER_RING = "after_ring"
    BEFORE_COMMIT = "before_commit"
    """A worker has applied the batch and not committed it."""
    AFTER_COMMIT = "after_commit"
    BEFORE_PUBLISH = "before_publish"
    """The batch is finished, and the waiting request does not know."""
    BEFORE_REPLY = "before_reply"


class FaultInjected(Exception):
    """What `raise` raises."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What may happen at one point."""

    action: str
    seconds: float = 0.0
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Faults:
    """The planned faults of one process."""

    planned: Mapping[Point, Fault] = field(default_factory=dict)
    seed: str = ""
    draws: dict[Point, random.Random] = field(default_factory=dict)

    async def reached(self, point: Point) -> None:
        """Do what is planned at `point`.

        Raises:
            FaultInjected: that was planned.
        """
        fault = self.planned.get(point)
        if fault is None:
            return
        draws = self.draws.setdefault(point, random.Random(f"{self.seed}/{point}"))
        if draws.random() >= fault.probability:
            return
        log.warning("fault", point=point.value, action=fault.action)
        if fault.action == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault.action == "stall":
            await asyncio.sleep(fault.seconds)
        else:
            raise FaultInjected(f"a fault was planned at {point.value}")


def parse_faults(plan: str, seed: str) -> Faults:
    """Read a plan.

    Raises:
        ValueError: it cannot be read; the wrong part is named.
    """
    entries = [entry.strip() for entry in plan.split(",") if entry.strip()]
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


def _unreadable(entry: str) -> ValueError:
    return ValueError(
        f"{entry!r} must be POINT=ACTION or POINT=ACTION@PROBABILITY, with ACTION crash, raise or "
        f"stall:SECONDS and POINT one of {', '.join(Point)}"
    )
