"""Random batches, undone at random moments, against a model of which rows go back.

A batch is undone row by row: what it wrote last goes back, what was changed since stays, and so
does, in the end, whatever would need a unique value of a row that stays.
"""

import os
from random import Random
from typing import Any

import pytest

from tests.harness import Service

STEPS = int(os.environ.get("REVERT_STEPS", "60"))
_KEYS = "abcd"
_UNIQUE: tuple[tuple[str, ...], ...] = (("badge",), ("row", "place"))

Row = dict[str, Any]
State = dict[str, tuple[Row, str]]
"""Stored rows by key, each with the batch that wrote it."""


def _item(random: Random, key: str) -> Row:
    values = {
        "badge": random.choice([1, 2, 3, 4, 5]),
        "row": random.choice([None, "x", "y"]),
        "place": random.choice([None, 1, 2]),
        "colour": random.choice(["red", "blue", None]),
    }
    names = random.choice([["badge"], ["badge"], ["row", "place"], sorted(values)])
    return {"code": key} | {name: values[name] for name in names}


async def _write(service: Service, random: Random) -> Any:
    keys = random.sample(_KEYS, random.choice([1, 1, 1, 3]))
    items = [_item(random, key) for key in keys]
    handling = "handling=lenient"
    if random.random() < 0.3:
        return await service.delete("seats", keys, prefer=handling)
    if random.random() < 0.5:
        return await service.patch("seats", items, prefer=handling)
    resolution = random.choice(["merge-duplicates", "replace", "ignore-duplicates"])
    prefer = random.choice([handling, f"{handling}, resolution={resolution}"])
    return await service.post("seats", items, prefer=prefer)


async def _state(service: Service) -> State:
    found: State = {}
    for row in (await service.get("seats?select=meta")).body["data"]:
        meta = row.pop("meta")
        found[row["code"]] = (row, meta["batch"])
    return found


def _rows(state: State) -> dict[str, Row]:
    return {key: row for key, (row, _) in state.items()}


def _undone(state: State, before: State, after: State, batch: str) -> tuple[set[str], State, int]:
    """What a lenient undo leaves as it is, what is stored then, and how many items there are."""
    changed = {
        key
        for key in before.keys() | after.keys()
        if before.get(key, (0, ""))[1] != after.get(key, (0, ""))[1]
    }
    kept = {
        key
        for key in changed
        if (state.get(key, (0, None))[1] != batch if key in after else key in state)
    }
    while True:
        target = {key: each for key, each in state.items() if key not in changed - kept}
        target |= {key: before[key] for key in changed - kept if key in before}
        more = {
            key
            for key in changed - kept
            if key in before and any(_meets(target, key, names) for names in _UNIQUE)
        }
        if not more:
            return kept, target, len(changed)
        kept |= more


def _meets(state: State, key: str, names: tuple[str, ...]) -> bool:
    own = [state[key][0][name] for name in names]
    return None not in own and any(
        [row[name] for name in names] == own for other, (row, _) in state.items() if other != key
    )


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_undone_is_what_the_model_says(service: Service, seed: int) -> None:
    random = Random(seed)
    history: list[tuple[str, State, State]] = []
    state: State = {}
    codes: set[int] = set()
    for step in range(STEPS):
        if not history or random.random() < 0.6:
            reply, before = await _write(service, random), state
            state = await _state(service)
            if reply.status in (200, 201, 207):
                history.append((reply.body["metadata"]["batchId"], before, state))
            continue
        batch, before, after = random.choice(history[-4:])
        kept, target, items = _undone(state, before, after, batch)
        where = f"/v1/batches/{batch}:revert"
        lenient = random.random() < 0.5
        prefer = "handling=lenient" if lenient else "handling=strict"
        dry = await service.request("POST", f"{where}?dryRun=true", prefer=prefer)
        reply = await service.request("POST", where, prefer=prefer)
        shown = (seed, step, batch, reply.body, state, before, after)
        saved = items == 0 or (len(kept) < items if lenient else not kept)
        expected = (207 if kept else 200) if saved else 422
        assert reply.status == expected, shown
        assert dry.status == (422 if kept else 200), shown
        failures = reply.body.get("failures", ())
        codes |= {error["code"] for each in failures for error in each["errors"]}
        found = {each["rawData"]["code"] for each in failures}
        if lenient or not kept:
            assert found == kept, shown
        own, undone = state, reply.body["metadata"]["batchId"]
        state = await _state(service)
        assert _rows(state) == _rows(target if saved else own), shown
        if saved:
            history.append((undone, own, state))
    assert 41201 in codes
