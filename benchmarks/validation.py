"""Validation: the compiled function beside marshmallow and other libraries, on eight schemas.

    python -m benchmarks.validation [--rounds N] [--items N]

Every contender loads the same items in interleaved rounds of one process; of each, the round that
took the least processor time counts, because whatever else the machine does can only add to it.
"marshmallow" loads the whole list with many=True, "one by one" calls load for each item, which is
the measure for what an invalid item costs. Results are printed as tables and kept in
benchmarks/results/validation.json.
`pip install -e '.[bench]'` brings the other libraries; whichever is missing is said and left out.
"""

import argparse
import gc
import json
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from benchmarks import schemas as cases
from ingest.validation import compile_validator

RESULTS = Path(__file__).parent / "results" / "validation.json"
GOALS = {"contact": 8.0, "mean": 6.0, "mean, 1 % invalid": 6.0}
Run = Callable[[], Any]


def contenders(case: cases.Case, items: list[Any]) -> dict[str, Run]:
    """What loads all the items once, by name."""
    schema, partial = case.schema(), case.partial
    validator = compile_validator(schema)
    runs: dict[str, Run] = {
        "compiled": lambda: validator.load_many(items, partial),
        "marshmallow": lambda: marshmallow_many(schema, items, partial),
        "one by one": each_alone(lambda item: schema.load(item, partial=partial), items),
    }
    for name, make in (("deepfried", deepfried), ("pydantic", pydantic), ("msgspec", msgspec)):
        try:
            load = make(case)
        except ImportError:
            continue
        if load is not None:
            runs[name] = each_alone(load, items) if name != "deepfried" else bind(load, items)
    return runs


def marshmallow_many(schema: Any, items: list[Any], partial: Any) -> Any:
    try:
        return schema.load(items, many=True, partial=partial)
    except ValidationError as error:
        return error.valid_data


def bind(load: Callable[[list[Any]], Any], items: list[Any]) -> Run:
    return lambda: load(items)


def each_alone(load: Callable[[Any], Any], items: list[Any]) -> Run:
    """Valid items' results, and the errors of the others: what `load_many` does."""

    def run() -> Any:
        loaded, errors = [], {}
        for index, item in enumerate(items):
            try:
                loaded.append(load(item))
            except (
                ValueError,
                ValidationError,
            ) as error:  # Pydantic's and msgspec's are ValueErrors
                errors[index] = error
        return loaded, errors

    return run


def deepfried(case: cases.Case) -> Callable[[list[Any]], Any] | None:
    from deepfriedmarshmallow import deep_fry_schema_object

    schema = case.schema()
    deep_fry_schema_object(schema)
    return lambda items: marshmallow_many(schema, items, case.partial)


def pydantic(case: cases.Case) -> Callable[[Any], Any] | None:
    from benchmarks import pydantic_models

    model = pydantic_models.MODELS.get(case.name)
    validate: Callable[[Any], Any] | None = model and model.model_validate
    return validate


def msgspec(case: cases.Case) -> Callable[[Any], Any] | None:
    from benchmarks import msgspec_types

    found = msgspec_types.TYPES.get(case.name)
    return found and (lambda item: msgspec_types.convert(item, found))


def microseconds(runs: dict[str, Run], rounds: int, count: int) -> dict[str, float]:
    """The fastest round of each contender, in microseconds an item; rounds are interleaved."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, run in runs.items():
                begin = time.process_time()
                run()
                times[name].append(time.process_time() - begin)
    finally:
        gc.enable()
    return {name: min(each) / count * 1e6 for name, each in times.items()}


def check(case: cases.Case, items: list[Any]) -> None:
    """A benchmark of wrong answers says nothing."""
    schema, validator = case.schema(), compile_validator(case.schema())
    for item in items:
        expected = outcome(lambda each: schema.load(each, partial=case.partial), item)
        assert outcome(lambda each: validator.load(each, case.partial), item) == expected


def outcome(load: Callable[[Any], Any], item: Any) -> Any:
    try:
        return True, load(item)
    except ValidationError as error:
        return False, error.messages


def measure(case: cases.Case, rounds: int, count: int, invalid: float) -> dict[str, float]:
    items = case.items(count, invalid)
    check(case, items)
    return microseconds(contenders(case, items), rounds, count)


def show(title: str, rows: dict[str, dict[str, float]]) -> float:
    """Print one table; return the geometric mean of marshmallow's time over the compiled one's."""
    names = ["compiled", "marshmallow", "one by one", "deepfried", "pydantic", "msgspec"]
    print(f"\n{title} (µs an item; in brackets, how many times as long as compiled)\n")
    print(f"{'schema':<12}" + "".join(f"{name:>18}" for name in names))
    for case, times in rows.items():
        cells = []
        for name in names:
            taken = times.get(name)
            ratio = "" if taken is None else f"({taken / times['compiled']:.1f}x)"
            cells.append(f"{'-' if taken is None else f'{taken:.2f}':>9} {ratio:>8}")
        print(f"{case:<12}" + "".join(cells))
    mean = statistics.geometric_mean(t["marshmallow"] / t["compiled"] for t in rows.values())
    print(f"\ngeometric mean: marshmallow takes {mean:.1f} times as long as compiled")
    return mean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--save", type=Path, default=RESULTS)
    parser.add_argument("--quick", action="store_true", help="one round; writes no results")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds

    versions = {}
    for name in ("marshmallow", "deepfriedmarshmallow", "pydantic", "msgspec"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            print(f"{name} is not installed and left out; pip install -e '.[bench]' brings it")
    kinds = {"valid": 0.0, "1 % invalid": 0.01, "all invalid": 1.0}
    rows = {
        kind: {case.name: measure(case, rounds, options.items, share) for case in cases.CASES}
        for kind, share in kinds.items()
    }
    means = {kind: show(f"{kind} items", table) for kind, table in rows.items()}
    contact = rows["valid"]["contact"]
    reached = {
        "contact": contact["marshmallow"] / contact["compiled"],
        "mean": means["valid"],
        "mean, 1 % invalid": means["1 % invalid"],
    }
    print()
    for goal, least in GOALS.items():
        verdict = "reached" if reached[goal] >= least else "MISSED"
        print(f"{goal}: {reached[goal]:.1f} x marshmallow, goal {least:.0f}: {verdict}")
    worst = max(t["compiled"] / t["one by one"] for t in rows["all invalid"].values())
    print(f"an invalid item costs at most {worst:.2f} x marshmallow, goal 1.30")
    if options.quick:
        return
    options.save.parent.mkdir(exist_ok=True)
    found = {"python": platform.python_version(), "versions": versions, "microseconds": rows}
    options.save.write_text(json.dumps({**found, "ratios": reached}, indent=1) + "\n")


if __name__ == "__main__":
    main()
