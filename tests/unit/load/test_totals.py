"""What a load says at its end."""

from typing import Any

from ingest.load.calls import Answer
from ingest.load.totals import Totals, summary

BATCH = "0193aaaa-0000-7000-8000-000000000001"


def refused(**more: Any) -> Answer:
    metadata = {"batchId": BATCH, "receivedItemsCount": 3}
    counts = {"validItemsCount": 2, "invalidItemsCount": 1}
    return Answer(422, {"result": "failure", "metadata": metadata | counts, **more}, replayed=False)


def test_a_limit_that_good_rows_would_pass_is_said_once() -> None:
    totals = Totals()
    totals.add(refused())
    assert not any("limit" in line for line in summary(totals, 1))
    for _ in range(2):
        totals.add(refused(error={"message": "The limit of contacts is 1 item; nothing was saved"}))
    (line,) = [each for each in summary(totals, 1) if "limit" in each]
    assert line.endswith("The limit of contacts is 1 item.")
    assert (totals.failed, totals.unsaved) == (3, 6)
