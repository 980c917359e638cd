"""Bodies that are sent to do harm: each is refused, or fails as an item; nothing is written, and
other clients are served."""

import asyncio
import gzip
import io
import sys
import zlib
from collections.abc import Callable

import psutil
import pytest

from ingest.store.pool import Pool
from tests.api.shared import JIM, NOTHING, written
from tests.effort import Bystander
from tests.harness import Service

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
XML, YAML = "application/xml", "application/yaml"
MILLION = 10**6
KEYS = range(10**5)
BIG = "1" + "0" * 4000

HOSTILE: list[tuple[str, str, int]] = [
    (JSON, "[" * MILLION, 400),
    (JSON, '{"a":' * MILLION, 400),
    (NDJSON, "[" * MILLION, 422),
    (NDJSON, '{"a":' * MILLION + "\n" + '{"b":' * MILLION, 422),
    (CSV, "email,tags\n" + "x," + "[" * MILLION, 422),
    (CSV, "a." * MILLION + "\nx\n", 400),
    (CSV, "tags.0." * MILLION + "\nx\n", 400),
    (XML, "<a>" * MILLION, 400),
    (YAML, "[" * MILLION, 400),
    (YAML, "- " * MILLION, 400),
    (YAML, "{a: " * MILLION, 400),
    (JSON, '[{"age": 1e400}]', 422),
    (NDJSON, '{"age": 1e400}', 422),
    (CSV, "email,age\nx,1e400\n", 422),
    (XML, "<a><b><age>1e400</age></b></a>", 422),
    (YAML, "- age: 1e400", 422),
    (JSON, f'[{{"age": {BIG}}}]', 422),
    (NDJSON, f'{{"age": {BIG}}}', 422),
    (CSV, f"email,age\nx,{BIG}\n", 422),
    (XML, f"<a><b><age>{BIG}</age></b></a>", 422),
    (YAML, f"- age: {BIG}", 400),
    (YAML, f"- age: '{BIG}'", 422),
    (JSON, '[{"age": 1e-9999999999999999999}]', 422),
    (NDJSON, '{"age": 1e-9999999999999999999}', 422),
    (JSON, "[{" + ",".join(f'"k{key}": 1' for key in KEYS) + "}]", 422),
    (CSV, ",".join(f"k{key}" for key in KEYS) + "\n" + "1," * (len(KEYS) - 1) + "1\n", 400),
    (XML, "<a><b>" + "".join(f"<k{key}>1</k{key}>" for key in KEYS) + "</b></a>", 422),
    (YAML, "\n".join(f"k{key}: 1" for key in KEYS), 422),
    (XML, '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a><c>&b;</c></a>', 400),
    (XML, "<!DOCTYPE a [<!ENTITY b '" + "x" * 10**5 + "'>]><a>" + "&b;" * 10**5 + "</a>", 400),
    (YAML, "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]", 400),
    (YAML, "!!python/object/apply:os.system [id]", 400),
    (NDJSON, "x" * 2**24 + "x", 413),
    (CSV, 'email\n"' + "x" * 2**24, 413),
]


@pytest.mark.parametrize(("media_type", "body", "status"), HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_body(
    api: Service, operator: Pool, media_type: str, body: str, status: int
) -> None:
    data = io.BytesIO(body.encode())  # aiohttp's client warns of large bodies in bytes
    reply = await api.request("POST", "/v1/contacts", data=data, content_type=media_type)
    assert reply.status == status, str(reply.body)[:1000]
    if status != 422:
        assert await written(operator) == NOTHING
    else:
        batch = reply.body["metadata"]["batchId"]
        for path in (f"batches/{batch}", f"batches/{batch}/failures"):
            assert (await api.get(path)).status == 200


BREAKS = ["\r", "\n", "\r\n", "\n\r", "\0", "\x85", "\u2028", "\x1c", "\x0b"]


@pytest.mark.parametrize("media_type", [JSON, NDJSON, CSV, XML, YAML])
async def test_breaks_in_every_place(api: Service, media_type: str) -> None:
    body = {
        JSON: '[{"email":"x"}]',
        NDJSON: '{"email":"x"}\n"k"',
        CSV: 'email,age\n"x",1\n',
        XML: "<a><b><email>x</email></b></a>",
        YAML: "- email: x\n- k\n",
    }[media_type]
    for number, character in enumerate(BREAKS):
        for place in range(number % 2, len(body) + 1, 2):
            sent = body[:place] + character + body[place:]
            reply = await api.request("POST", "/v1/contacts", data=sent, content_type=media_type)
            assert reply.status in (400, 422), sent


async def test_bytes_that_are_no_utf8_in_every_place(api: Service, operator: Pool) -> None:
    bodies = {
        JSON: b'[{"email": "x"}]',
        CSV: b"email,age\nx,1\n",
        XML: b"<a><b><email>x</email></b></a>",
        YAML: b"- email: x\n- k\n",
    }
    for media_type, body in bodies.items():
        for place in range(0, len(body) + 1, 3):
            sent = body[:place] + b"\xe9" + body[place:]
            reply = await api.request("POST", "/v1/contacts", data=sent, content_type=media_type)
            assert (reply.status, reply.error) == (400, (40001, "malformed_body")), sent
    assert await written(operator) == NOTHING


BOMBS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "gzip, gzip": lambda body: gzip.compress(gzip.compress(body)),
}


@pytest.mark.parametrize("encoding", BOMBS)
async def test_fifty_bombs_at_once(api: Service, operator: Pool, encoding: str) -> None:
    bomb = BOMBS[encoding](b"[" + b" " * 2**28)
    assert len(bomb) * 1000 < 2**28
    process = psutil.Process()
    growth: list[int] = []

    async def explode(media_type: str) -> int:
        options = {"content_type": media_type, "content_encoding": encoding}
        return (await api.request("POST", "/v1/contacts", data=bomb, **options)).status

    async def ask() -> None:
        assert (await api.get("contacts")).status == 200
        growth.append(process.memory_info().rss - memory)

    types = (JSON, NDJSON, CSV, XML, YAML)
    for media_type in types:
        await explode(media_type)  # what is needed once is not growth
    memory = process.memory_info().rss
    bystander = Bystander(process, ask)
    async with bystander.at_work():
        statuses = set(await asyncio.gather(*map(explode, types * 10)))
    assert statuses <= {400, 413}
    assert max(growth) < 100 * 2**20
    bystander.check_served()
    assert await written(operator) == NOTHING
    assert (await api.post("contacts", [JIM], prefer="respond-async")).status == 202
