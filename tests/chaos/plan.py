"""Which experiments there are, and which stack each of them needs."""

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random

from tests.chaos.experiments import (
    e01_killed_workers,
    e02_killed_apis,
    e03_same_key,
    e04_other_body,
    e05_flushed_redis,
    e06_redis_away,
    e07_crashed_postgres,
    e08_frozen_processes,
    e09_reader,
    e10_overlapping_writers,
    e11_rolling_restart,
    e12_clock_and_disk,
    e13_retention,
    e14_flooding_account,
    e15_upgrades,
    e16_repairs,
)
from tests.chaos.report import Result
from tests.chaos.scale import API_POINTS, COMMON, WORKER_POINTS, Scale, crashes
from tests.chaos.stack import Stack

Experiment = Callable[[Stack, Scale, Random], Awaitable[Result]]

PLAIN: Sequence[Experiment] = (
    e03_same_key.run,
    e04_other_body.run,
    e05_flushed_redis.run,
    e06_redis_away.run,
    e07_crashed_postgres.run,
    e08_frozen_processes.workers,
    e08_frozen_processes.apis,
    e09_reader.run,
    e10_overlapping_writers.run,
    e11_rolling_restart.run,
    e12_clock_and_disk.clocks,
    e12_clock_and_disk.disk,
    e14_flooding_account.run,
    e15_upgrades.run,
    e01_killed_workers.run,
)
"""On a stack that does nothing wrong by itself; the killing last, for what it leaves in Redis."""
MEASURED: Sequence[Experiment] = (e13_retention.run,)
"""On the same stack, and only at full scale: what it says depends on how quiet the machine is."""
CRASHING: dict[Experiment, str] = {
    e01_killed_workers.at_points: crashes(WORKER_POINTS, 0.02),
    e02_killed_apis.run: crashes(API_POINTS, 0.01),
    e16_repairs.run: ",".join((crashes(API_POINTS, 0.01), crashes(WORKER_POINTS, 0.02))),
}
"""Each on a stack of its own, with its planned faults."""


def named(experiment: Experiment) -> str:
    """How the command line calls an experiment: `e05_flushed_redis.run`."""
    return f"{experiment.__module__.rsplit('.', 1)[-1]}.{experiment.__name__}"  # type: ignore[attr-defined]


async def run_plain(
    experiments: Sequence[Experiment], scale: Scale, seed: int, done: Callable[[Result], None]
) -> None:
    """Run experiments one after the other on one stack."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        async with Stack(Path(folder), api=2, workers=3, **COMMON) as stack:
            for experiment in experiments:
                done(await experiment(stack, scale, Random(f"{seed}/{named(experiment)}")))


async def run_crashing(
    experiment: Experiment, scale: Scale, seed: int, done: Callable[[Result], None]
) -> None:
    """Run an experiment on a stack that crashes where its plan says."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        stack = Stack(
            Path(folder), api=3, workers=3, faults=CRASHING[experiment], seed=seed, **COMMON
        )
        async with stack:
            done(await experiment(stack, scale, Random(f"{seed}/{named(experiment)}")))
