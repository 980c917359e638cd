"""What exact numbers cost: `load_exact` beside `orjson.loads`, which rounds.

    python -m benchmarks.exact_numbers [--rounds N] [--quick]

A body has 1,000 records of one kind, written as JavaScript writes it and as Python's `json` does.
Rounds are interleaved in one process; of each contender the fastest counts. Every document is
checked first. The goal is for compact contacts. Results are printed, and kept in
benchmarks/results/exact_numbers.json.
"""

import argparse
import json
import platform
import random
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from benchmarks.validation import microseconds
from ingest.exactjson import load_exact

RESULTS = Path(__file__).parent / "results" / "exact_numbers.json"
RECORDS = 1000
GOAL = 1.5  # times as long as orjson


def contact(chance: random.Random) -> dict[str, Any]:
    return {
        "id": str(UUID(int=chance.getrandbits(128), version=4)),
        "email": f"user{chance.randrange(10**6)}@example.com",
        "first_name": "Ada",
        "last_name": "van der Berg",
        "age": chance.randrange(100),
        "status": "customer",
        "tags": ["newsletter", "trial"],
        "created_at": f"2026-11-22T10:00:{chance.randrange(10, 60)}.055+00:00",
        "score": chance.random(),
    }


def kinds() -> dict[str, list[Any]]:
    """Records by what their numbers are like."""
    chance = random.Random(1)
    contacts = [contact(chance) for _ in range(RECORDS)]
    rows = range(RECORDS)
    return {
        "contacts": contacts,
        "contacts, a name with é": [*contacts[1:], {**contacts[0], "last_name": "Lefèvre"}],
        "contacts without score": [
            {name: value for name, value in each.items() if name != "score"} for each in contacts
        ],
        "5 computed doubles": [[chance.uniform(0.1, 100) for _ in range(5)] for _ in rows],
        "5 integers": [[chance.randrange(10**6) for _ in range(5)] for _ in rows],
        "5 prices": [[chance.randrange(10**5) / 100 for _ in range(5)] for _ in rows],
        "texts of digits": [
            [str(chance.randrange(10**15, 10**16)), f"+49{chance.randrange(10**9, 10**10)}"]
            for _ in rows
        ],
        "timestamps": [["2026-11-22T10:00:00.123456+00:00", 1763805600.123456] for _ in rows],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--save", type=Path, default=RESULTS)
    parser.add_argument("--quick", action="store_true", help="one round; writes no results")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds

    print(f"\n{'µs a record':<28}{'orjson':>8}{'exact':>8}{'':>6}{'spaced':>10}{'exact':>8}\n")
    rows: dict[str, dict[str, dict[str, float]]] = {}
    for kind, records in kinds().items():
        rows[kind] = {
            style: both(body, rounds)
            for style, body in (
                ("compact", orjson.dumps(records)),
                ("spaced", json.dumps(records).encode()),
            )
        }
        print(f"{kind:<28}" + "  ".join(map(shown, rows[kind].values())))
    reached = ratio(rows["contacts"]["compact"])
    verdict = "reached" if reached <= GOAL else "MISSED"
    print(f"\ncontacts: {reached:.2f} x orjson, goal {GOAL}: {verdict}")
    if options.quick:
        return
    found = {"python": platform.python_version(), "orjson": orjson.__version__}
    options.save.write_text(json.dumps({**found, "microseconds": rows}, indent=1) + "\n")


def both(body: bytes, rounds: int) -> dict[str, float]:
    assert load_exact(body) == orjson.loads(body)
    return microseconds(
        {"orjson": lambda: orjson.loads(body), "exact": lambda: load_exact(body)}, rounds, RECORDS
    )


def ratio(times: dict[str, float]) -> float:
    return times["exact"] / times["orjson"]


def shown(times: dict[str, float]) -> str:
    return f"{times['orjson']:>8.2f}{times['exact']:>8.2f}{ratio(times):>5.2f}x"


if __name__ == "__main__":
    main()
