"""`python -m tests.chaos`: run the experiments, print one table, end with 1 if a promise broke."""

import argparse
import asyncio
import secrets
import sys
import time

from tests.chaos.plan import CRASHING, MEASURED, PLAIN, named, run_crashing, run_plain
from tests.chaos.report import Result, table
from tests.chaos.scale import FULL, SHORT


def main() -> int:
    options = _options()
    scale = SHORT if options.short else FULL
    print(f"seed {options.seed}, {'short' if options.short else 'full'} scale", flush=True)
    results: list[Result] = []

    def done(result: Result) -> None:
        results.append(result)
        told = " | ".join(result.row())
        print(f"{time.strftime('%H:%M:%S')} {told}", *result.complaints(), sep="\n  ", flush=True)

    asyncio.run(_run(options, scale, done))
    print("\n" + table(results))
    return 0 if all(result.held for result in results) else 1


async def _run(options: argparse.Namespace, scale: object, done: object) -> None:
    def wanted(name: str) -> bool:
        return not options.only or any(each in name for each in options.only)

    on_one_stack = PLAIN if options.short else (*PLAIN, *MEASURED)
    plain = [each for each in on_one_stack if wanted(named(each))]
    if plain:
        await run_plain(plain, scale, options.seed, done)  # type: ignore[arg-type]
    for experiment in CRASHING:
        if wanted(named(experiment)):
            await run_crashing(experiment, scale, options.seed, done)  # type: ignore[arg-type]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the scale of `make test`")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("only", nargs="*", help="parts of names, such as e05 or disk")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
