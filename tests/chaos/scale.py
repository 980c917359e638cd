"""How much of everything: the full form of `make chaos`, and the short one of `make test`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Numbers of each experiment; times in seconds."""

    kills: int
    killed_batches: int
    crashes: int
    """At least so many crashes at every fault point."""
    crashed_batches: int
    keys: int
    requests_a_key: int
    mismatches: int
    flushed: float
    flush_every: float
    redis_away: float
    postgres_stops: int
    freezes: int
    frozen_at_once: int
    frozen: float
    reads: int
    writers_batches: int
    rounds: int
    skewed_batches: int
    full_disk_batches: int
    replays: int
    floods: int
    """How often each attack is made at once."""
    saves: int
    """How many saves are timed, alone and beside a flood."""
    upgrades: int
    """How many schemas change and change back."""
    slack: float
    """What times that are promised are multiplied with: a short run is not alone on its machine."""


SHORT = Scale(
    kills=4,
    killed_batches=60,
    crashes=0,
    crashed_batches=60,
    keys=8,
    requests_a_key=20,
    mismatches=40,
    flushed=3.0,
    flush_every=0.5,
    redis_away=2.5,
    postgres_stops=2,
    freezes=1,
    frozen_at_once=1,
    frozen=5.0,
    reads=150,
    writers_batches=40,
    rounds=1,
    skewed_batches=6,
    full_disk_batches=10,
    replays=10,
    floods=1,
    saves=8,
    upgrades=1,
    slack=5.0,
)
FULL = Scale(
    kills=100,
    killed_batches=2_000,
    crashes=20,
    crashed_batches=1_000,
    keys=200,
    requests_a_key=50,
    mismatches=1_000,
    flushed=60.0,
    flush_every=2.0,
    redis_away=30.0,
    postgres_stops=20,
    freezes=50,
    frozen_at_once=2,
    frozen=27.0,
    reads=10_000,
    writers_batches=500,
    rounds=20,
    skewed_batches=100,
    full_disk_batches=100,
    replays=100,
    floods=2,
    saves=200,
    upgrades=30,
    slack=1.0,
)
LEASE = 3.0
"""How long a request in flight holds its key in these stacks."""
COMMON = {"idempotency_lease": str(LEASE), "commit_timeout": "4", "wait": "10"}
"""Settings of every stack: PostgreSQL ends a frozen worker's transaction after four seconds, and
arq its mark of a job in progress after 26."""
API_POINTS = ("after_claim", "after_stage", "before_ring", "after_ring", "before_reply")
WORKER_POINTS = ("before_commit", "after_commit", "before_publish")


def crashes(points: tuple[str, ...], probability: float) -> str:
    """The setting that crashes at each of these points now and then."""
    return ",".join(f"{point}=crash@{probability}" for point in points)
