"""Answers are bounded in bytes, and say what they leave out; what was sent is saved anyway."""

from typing import Any

from ingest.model import MAX_KEPT
from tests.api.shared import configured
from tests.api.streaming import lines, stream
from tests.harness import Service

LINE = "x" * 1_000
WORDS = [LINE] * 100


def person(number: int, words: int = 1) -> dict[str, Any]:
    return {"code": number, "anything": WORDS[:words]}


async def test_a_batch_is_committed_however_large_its_answer_would_be(service: Service) -> None:
    """A few bytes change items whose whole would be too much to keep."""
    count = MAX_KEPT // 100_000 + 10
    stored = await stream(
        service,
        lines(person(number, words=100) for number in range(count)),
        "everything",
        prefer="return=minimal",
    )
    assert stored.status == 201, stored.body
    changed = await service.patch(
        "everything", [{"code": number, "integer": 5} for number in range(count)], prefer="wait=60"
    )
    assert changed.status == 200, changed.body
    assert changed.body["metadata"]["updated"] == count
    assert changed.body["metadata"]["outcomes"] == ["updated"] * count
    assert "data" not in changed.body
    assert "are not kept with the batch" in changed.body["message"]
    few = await service.patch("everything", [{"code": 0, "integer": 6}])
    assert few.body["data"][0]["anything"] == WORDS


@configured(max_answer=20_000)
async def test_a_list_goes_on_where_it_was_cut(service: Service) -> None:
    sizes = [1, 1, 30, 1, 9, 9, 9, 1]
    for number, words in enumerate(sizes):
        await service.post("everything", [person(number, words)])
    found: list[int] = []
    offset: int | None = 0
    pages = 0
    while offset is not None:
        page = await service.get(f"everything?limit=8&offset={offset}")
        assert page.body["metadata"]["recordsCount"] == len(sizes)
        found += [item["code"] for item in page.body["data"]]
        following = page.body["metadata"].get("nextOffset")
        assert (following is not None) is ("too large" in page.body["message"])
        assert following in (None, len(found))
        offset, pages = following, pages + 1
    assert found == list(range(len(sizes)))
    assert pages == 4


@configured(max_answer=5_000)
async def test_items_that_are_too_large_are_left_out_of_an_answer(service: Service) -> None:
    made = await service.post("everything", [person(number) for number in range(10)])
    assert made.status == 201
    assert "data" not in made.body
    assert "are not kept with the batch" in made.body["message"]
    shown = await service.get(f"batches/{made.body['metadata']['batchId']}")
    assert "data" not in shown.body["data"]["response"]["body"]


@configured(max_answer=5_000)
async def test_failures_are_as_many_as_fit(service: Service) -> None:
    bad = [person(number) | {"integer": "x"} for number in range(10)]
    for lenient in ("", "handling=lenient"):
        refused = await service.post("everything", [*bad, person(99)], prefer=lenient)
        assert refused.body["metadata"]["invalidItemsCount"] == 10
        assert len(refused.body["failures"]) == 4
        batch = refused.body["metadata"]["batchId"]
        assert (
            f"the first 4 failures are shown, all are at /v1/batches/{batch}/failures"
            in (refused.body["message"])
        )
        shown = (await service.get(f"batches/{batch}")).body["data"]
        assert len(shown["failures"]) == 4
        assert len((await service.get(f"batches/{batch}/failures")).body["failures"]) == 10
    one = await service.post("everything", [person(1, words=50) | {"integer": "x"}])
    assert len(one.body["failures"]) == 1


async def test_the_failures_of_a_batch_stand_once_in_its_document(service: Service) -> None:
    refused = await service.post("everything", [{"code": 1, "integer": "x"}])
    shown = (await service.get(f"batches/{refused.body['metadata']['batchId']}")).body["data"]
    assert shown["failures"] == refused.body["failures"]
    assert shown["response"]["status"] == refused.status
    body = shown["response"]["body"]
    assert "failures" not in body
    assert body["metadata"] == refused.body["metadata"]


async def test_minimal_failures_have_no_raw_data(service: Service) -> None:
    items = [{"code": 1, "integer": "x"}, {"code": 2}]
    for prefer in ("return=minimal", "return=minimal, handling=lenient"):
        for path in ("everything?dryRun=true", "everything"):
            refused = await service.post(path, items, prefer=prefer)
            [failure] = refused.body["failures"]
            assert failure.keys() == {"errors"}
            assert failure["errors"][0]["field"] == "integer"
