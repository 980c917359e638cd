"""When a run under pressure is void: a wrong figure is worse than none."""

from typing import Any

import pytest

from benchmarks.reports import backpressure

_PRESSED: dict[str, Any] = {
    "sustainable": 90,
    "sustainableAfter": 110,
    "offered": 300,
    "times": 3.0,
    "refused": 5,
    "retryAfter": [1.0, 4.0],
    "accepted": 1_000,
    "stored": 1_000,
    "errors": [],
}


def test_pressure_is_what_is_offered_by_the_mean_of_what_is_sustainable() -> None:
    assert backpressure.pressure(_PRESSED) == 3.0
    assert backpressure.void(_PRESSED) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sustainableAfter": 111}, "less than 3 times"),
        ({"refused": 0, "retryAfter": []}, "nothing was refused"),
        ({"retryAfter": [0.0, 4.0]}, "no Retry-After"),
        ({"stored": 999}, "1,000 items were accepted, 999 are stored"),
        ({"errors": ["500: oh"]}, "other answers: 500: oh"),
    ],
)
def test_a_run_under_too_little_pressure_or_with_losses_is_void(
    change: dict[str, Any], reason: str
) -> None:
    (found,) = backpressure.void(_PRESSED | change)
    assert reason in found
