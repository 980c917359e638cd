"""Dialects: what another document than the default costs, in microseconds an answer.

    python -m benchmarks.dialects [--rounds N]

For each registered dialect, the answers to a write of one item, of 100 items and of 100 items of
which half are invalid, and to an error: the time of `tell`, and of writing the document as JSON,
beside that of the default. Rounds are interleaved in one process; of each the fastest counts. The
goal is at most 10 microseconds an answer more than the default, beside what its items cost.
Results are printed.
"""

import argparse
import datetime as dt
import random
from collections.abc import Callable
from time import perf_counter_ns
from uuid import UUID

import orjson

from benchmarks.schemas import contact
from ingest.dialects import DEFAULT, DIALECTS, collection
from ingest.dialects.answer import Answer, Context, Dialect
from ingest.errors import BAD_FORMAT, LimitReached
from ingest.exactjson import dump_exact
from ingest.examples import contacts
from ingest.model import Action, Batch, BatchState, Failure, ItemError, Options, Outcome
from ingest.resources.representation import Presenter

GOAL = 10.0  # microseconds an answer, beside its items
CALLS = 500  # a round
BATCH = UUID("01933b2e-7c00-7000-8000-000000000000")
CONTEXT = Context(collection="contacts", docs="http://127.0.0.1:8080/docs/errors/")


def answer(items: int, invalid: int = 0) -> Answer:
    """That to a POST of contacts: committed, or refused because some are invalid."""
    now = dt.datetime.now(dt.UTC)
    rng = random.Random(1)
    rows = [{"id": str(BATCH), **contact(rng)} for _ in range(items)]
    batch = Batch(
        id=BATCH,
        account="",
        collection="contacts",
        action=Action.CREATE,
        options=Options(),
        state=BatchState.REJECTED if invalid else BatchState.COMMITTED,
        received=items,
        invalid_count=invalid,
        invalid=list(range(invalid)),
        created_at=now,
        accepted_at=now,
        finished_at=now,
        created=0 if invalid else items,
        outcomes=None if invalid else "c" * items,
        data=None if invalid else orjson.dumps(rows),
    )
    error = ItemError(BAD_FORMAT, "Not a valid email address.", "email")
    failures = [Failure(index, rows[index], (error,)) for index in range(invalid)]
    return collection.written(Outcome(batch, failures), Presenter(contacts))


def timed(run: Callable[[], object]) -> float:
    start = perf_counter_ns()
    for _ in range(CALLS):
        run()
    return (perf_counter_ns() - start) / CALLS / 1000


def respond(dialect: Dialect, shown: Answer) -> Callable[[], bytes]:
    return lambda: dump_exact(dialect.tell(shown, CONTEXT).document)


def main() -> None:
    parser = argparse.ArgumentParser(description="What the dialects cost.")
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    full = LimitReached("Full", "Delete some.", collection="contacts", maximum=10, left=0)
    answers = {
        "1 item": answer(1),
        "100 items": answer(100),
        "100 items, 50 invalid": answer(100, 50),
        "an error": collection.error(full),
    }
    dialects = {"default": DEFAULT, **DIALECTS}
    print(f"microseconds an answer, and how much more than the default; the goal is {GOAL:g} more")
    for name, shown in answers.items():
        best = dict.fromkeys(dialects, float("inf"))
        for _ in range(rounds):
            for each, dialect in dialects.items():
                best[each] = min(best[each], timed(respond(dialect, shown)))
        figures = (
            f"{each} {took:.1f} ({took - best['default']:+.1f})" for each, took in best.items()
        )
        print(f"{name}: {', '.join(figures)}")


if __name__ == "__main__":
    main()
