"""Bodies are counted as they are staged: a few bytes may become very many."""

import gzip

from ingest.store.pool import Pool
from tests.api.shared import NOTHING, configured, written
from tests.api.streaming import stream
from tests.harness import Service

MIB = 1024 * 1024
ROWS = 8
CELL = b"\x01" * (MIB // 4)
CSV = gzip.compress(b"name,more\n" + b"".join(b"n%d,%b\n" % (n, CELL) for n in range(ROWS)))
"""A few kB that become 2 MiB of CSV; of JSON, with the raw items, 24 MiB."""


async def send(api: Service) -> tuple[int, object]:
    sent = await stream(
        api,
        CSV,
        "loose",
        content_type="text/csv",
        content_encoding="gzip",
        prefer="respond-async, return=minimal",
    )
    return sent.status, sent.body


@configured(max_backlog_bytes=10 * MIB)
async def test_what_could_never_fit_is_refused_and_leaves_nothing(
    api: Service, operator: Pool
) -> None:
    status, body = await send(api)
    assert status == 413, body
    assert body["error"]["code"] == 41301
    assert f"more than {8 * MIB} bytes as they are stored" in body["error"]["message"]
    assert await written(operator) == NOTHING


@configured(max_backlog_bytes=40 * MIB)
async def test_what_fits_is_taken_and_the_next_waits_for_room(api: Service, operator: Pool) -> None:
    assert [(await send(api))[0] for _ in range(2)] == [202, 202]
    status, body = await send(api)
    assert status == 503, body
    assert "this account" in body["message"]
    dry = await stream(
        api, CSV, "loose?dryRun=true", content_type="text/csv", content_encoding="gzip"
    )
    assert dry.status == 200, dry.body
