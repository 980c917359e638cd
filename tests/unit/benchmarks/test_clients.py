"""Requests as clients send them, and the percentiles of their answers."""

import pytest

from benchmarks.clients import Requests, Tally
from benchmarks.load import Load


def test_percentiles_leave_refusals_out() -> None:
    tally = Tally(0.0)
    tally.answers = [(0.1, 0.010, 201), (0.2, 0.030, 201), (1.3, 0.020, 201), (1.4, 9.0, 503)]
    assert tally.percentile(0.5) == 20
    assert tally.percentile(1.0) == 30
    assert [second["statuses"] for second in tally.timeline()] == [
        {"201": 2},
        {"201": 1, "503": 1},
    ]


@pytest.mark.parametrize(
    ("count", "share", "milliseconds"),
    [(0, 0.99, 0), (1, 0.5, 1), (2, 0.5, 1), (10, 0.5, 5), (10, 0.99, 10), (200, 0.99, 198)],
)
def test_a_percentile_is_that_of_the_nearest_rank(
    count: int, share: float, milliseconds: float
) -> None:
    tally = Tally(0.0)
    tally.answers = [(1.0, each / 1000, 201) for each in range(count, 0, -1)]
    assert tally.percentile(share) == milliseconds


def test_requests_take_tokens_in_turns_and_have_keys_of_their_own() -> None:
    load = Load(
        kind="json", target="1", serial="s", size=1, clients=1, requests=3, path="/v1/contacts",
        tokens=["one", "two"], keys=True,
    )  # fmt: skip
    requests = [Requests(load).get(place).decode() for place in range(3)]
    for request, token in zip(requests, ["one", "two", "one"], strict=True):
        assert request.count(f"Authorization: Bearer {token}\r\n") == 1
        head, _, body = request.partition("\r\n\r\n")
        assert head.endswith(f"Content-Length: {len(body)}")
    keys = {
        line
        for each in requests
        for line in each.split("\r\n")
        if line.startswith("Idempotency-Key: ")
    }
    assert len(keys) == 3
