"""`ingest load` as a user runs it: a process of its own, files, and a service that has troubles."""

import asyncio
import csv
import fcntl
import gzip
import io
import json
import os
import re
import signal
import sys
import termios
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow as pa
import pyarrow.parquet
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from ingest.app import create_app
from ingest.http.server import JsonAppRunner
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.acceptance.conftest import TIMEOUT, clean_environment
from tests.harness import REGISTRY, Service
from tests.unit.load.workbooks import xlsx
from tests.waiting import until

HEADER = ["email", "first_name", "last_name", "age", "tags.0"]
Rows = list[list[str]]


class Server(TestServer):
    """The application behind the server that `ingest serve` puts before it."""

    async def _make_runner(self, **options: Any) -> JsonAppRunner:
        return JsonAppRunner(self.app, access_log=None, auto_decompress=False, **options)


@pytest.fixture
async def api(settings: Settings, operator: Pool) -> AsyncIterator[Service]:
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(Server(create_app(settings, REGISTRY))) as client:
        yield Service(client, token)


@dataclass
class Front:
    """Stands before the service, and makes trouble of each write in its turn."""

    service: Service
    troubles: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    """The idempotency keys that came."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a write was held back."""
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        trouble = None
        key = request.headers.get("Idempotency-Key", "")
        if request.method != "GET" and not key.endswith('-end"'):  # the mark of a finished load
            self.writes.append(key)
            trouble = self.troubles.pop(0) if self.troubles else None
        if trouble == "503":
            error = {"code": 50301, "name": "unavailable", "message": "Busy"}
            document = {"result": "error", "status": 503, "error": error}
            return web.json_response(document, status=503, headers={"Retry-After": "1"})
        if trouble == "held":
            self.held.set()
            await asyncio.sleep(TIMEOUT)
        if trouble == "cut":
            return self._cut(request)
        target = self.service.client.make_url(request.path_qs)
        hop = {"Host", "Content-Length", "Transfer-Encoding"}
        headers = {name: value for name, value in request.headers.items() if name not in hop}
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            sent = session.request(request.method, target, data=body or None, headers=headers)
            async with sent as response:
                answer = await response.read()
        if trouble == "answer cut":
            return self._cut(request)
        kept = {"Content-Type", "Location", "Retry-After", "Idempotency-Replayed"}
        return web.Response(
            status=response.status,
            body=answer,
            headers={name: value for name, value in response.headers.items() if name in kept},
        )

    @staticmethod
    def _cut(request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


@pytest.fixture
async def front(service: Service) -> AsyncIterator[Front]:
    found = Front(service)
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    output: str
    complaints: str


class Loading:
    """Runs `ingest load` in a folder."""

    def __init__(self, front: Front, folder: Path) -> None:
        self.folder = folder
        self._environment = {
            **clean_environment(),
            "INGEST_URL": front.url,
            "INGEST_TOKEN": front.service.token,
            "PYTHONPATH": os.getcwd(),
        }

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def start(self, *arguments: str, stdin: int | None = None) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ingest", "load", *arguments),
            env=self._environment,
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str, stdin: bytes | None = None) -> Ended:
        pipe = None if stdin is None else asyncio.subprocess.PIPE
        process = await self.start(*arguments, stdin=pipe)
        return await self.ended(process, stdin)

    @staticmethod
    async def ended(process: asyncio.subprocess.Process, stdin: bytes | None = None) -> Ended:
        async with asyncio.timeout(TIMEOUT):
            output, complaints = await process.communicate(stdin)
        assert b"Traceback" not in complaints, complaints.decode()
        return Ended(process.returncode or 0, output.decode(), complaints.decode())


@pytest.fixture
def loading(front: Front, tmp_path: Path) -> Loading:
    return Loading(front, tmp_path)


def zipped(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


def contact(number: int) -> dict[str, Any]:
    return {
        "email": f"p{number}@example.com",
        "first_name": f"P {number}, the\nlong-named" if number % 7 == 0 else "Ann",
        "last_name": "=Doe" if number % 5 == 0 else "Doe",
        "age": number % 90,
        "tags": ["new"],
    }


def as_csv(items: list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for item in items:
        writer.writerow([*(str(item[name]) for name in HEADER[:4]), *item["tags"]])
    return text.getvalue()


def as_xml(items: list[dict[str, Any]]) -> str:
    rows = [
        f"<c><email>{each['email']}</email><first_name>{each['first_name']}</first_name>"
        f"<age>{each['age']}</age><tags><item>new</item></tags></c>"
        for each in items
    ]
    return "<contacts>\n" + "\n".join(rows) + "\n</contacts>"


WRITERS: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "csv": as_csv,
    "json": lambda items: json.dumps(items, indent=1),
    "ndjson": lambda items: "\n".join(map(json.dumps, items)),
    "xml": as_xml,
    "yaml": lambda items: "\n".join(f"- {json.dumps(item)}" for item in items),
}


@pytest.mark.parametrize("kind", WRITERS)
async def test_a_file_is_loaded_and_its_failed_rows_after_correction(
    kind: str, loading: Loading, front: Front
) -> None:
    items = [contact(number) for number in range(50)]
    items[3]["email"], items[47]["email"] = "wrong-3", "wrong-47"
    items[47]["age"] = 200
    loading.file(f"c.{kind}", WRITERS[kind](items))
    first = await loading.run(f"c.{kind}", "--to", "contacts", "--batch-size", "9")
    assert (first.status, await front.service.count("contacts")) == (2, 48)
    assert len(front.writes) == 6
    for said in ("50 rows", "48 created", "2 failed", "6 batches", "2 of 42204 email", "42205 age"):
        assert said in first.output
    suffix = {"csv": "csv", "xml": "xml"}.get(kind, "ndjson")
    failed = loading.folder / f"c.failed.{suffix}"
    corrected = failed.read_text().replace("wrong-", "right@x.com").replace("200", "20")
    loading.file(failed.name, corrected.replace("right@x.com", "right", 1) + "")
    assert corrected.count("right@x.com") == 2

    second = await loading.run(failed.name, "--to", "contacts")
    assert (second.status, await front.service.count("contacts")) == (2, 49)
    again = loading.folder / f"c.failed-2.{suffix}"
    loading.file(again.name, again.read_text().replace("right3", "right3@x.com"))
    third = await loading.run(again.name, "--to", "contacts")
    assert (third.status, await front.service.count("contacts")) == (0, 50)
    assert not (loading.folder / f"c.failed-3.{suffix}").exists()


async def test_failed_rows_of_csv_have_the_columns_of_the_file(loading: Loading) -> None:
    rows = 'last_name;email;first_name\n=Doe;a@x.com;Ann\n"=D\noe";bad;Ann\n\nx;y\nx;y;z;w\n'
    loading.file("c.csv", rows)
    ended = await loading.run("c.csv", "--to", "contacts")
    assert ended.status == 2
    with (loading.folder / "c.failed.csv").open(newline="") as file:
        header, *failed = csv.reader(file, delimiter=";")
    assert header == ["last_name", "email", "first_name", *ERRORS]
    assert [row[:4] for row in failed] == [
        ["'=D\noe", "bad", "Ann", "email"],
        ["x", "y", "", ""],
        ["x", "y", "z;w", ""],
    ]
    assert [row[5].partition(":")[0] for row in failed] == ["line 3", "line 6", "line 7"]


async def test_a_workbook_is_loaded_and_its_failed_rows_after_correction(
    loading: Loading, front: Front
) -> None:
    """Called .csv, in an archive; texts stay texts, and numbers have no decimal point."""
    rows = [
        ["email", "first_name", "last_name", "age", "tags.0"],
        ["a@example.com", "007", 5, 41.0, "x"],
        [],
        ["b@example.com", "#N/A", "Doe", 3, None],
        ["wrong", "Ann", 1.5, 12.5, None],
    ]
    loading.file("people.csv", zipped("people.xlsx", xlsx(People=rows, Notes=[["x"]])))
    whole = await loading.run("people.csv", "--to", "contacts", "--sheet", "1", "--atomic")
    assert (whole.status, "Nothing was saved" in whole.output) == (2, True)
    first = await loading.run("people.csv", "--to", "contacts")
    assert first.status == 2, first
    assert "this loads its sheet 'People', the first of 2" in first.complaints
    assert "1 of 42204 Cell B4 is #N/A. (row 4)" in first.output
    (saved,) = (await front.service.get("contacts")).body["data"]
    assert {name: saved[name] for name in ("first_name", "last_name", "age", "tags")} == {
        "first_name": "007",
        "last_name": "5",
        "age": 41,
        "tags": ["x"],
    }
    failed = loading.folder / "people.failed.csv"
    text = failed.read_text()
    assert [line.partition(": ")[0][-5:] for line in text.splitlines()[1:]] == ["row 4", "row 5"]
    again = await loading.run(failed.name, "--to", "contacts")
    assert (again.status, "2 failed" in again.output) == (2, True)
    assert "Cell B4 is #N/A. (line 2)" in again.output
    text = text.replace(",#N/A,", ",Bo,", 1).replace("wrong", "c@example.com")
    loading.file(failed.name, text.replace(",12.5,", ",12,"))
    assert (await loading.run(failed.name, "--to", "contacts")).status == 0
    assert await front.service.count("contacts") == 3


async def test_a_parquet_file_is_loaded(loading: Loading, front: Front) -> None:
    table = pa.table(
        {
            "email": ["a@example.com", "b@example.com", "wrong"],
            "first_name": ["Ann", "Bo", "Cy"],
            "age": pa.array([41, None, 3], pa.int8()),
            "tags": [["x", "y"], None, []],
        }
    )
    pyarrow.parquet.write_table(table, loading.folder / "c.parquet")
    ended = await loading.run("c.parquet", "--to", "contacts", "--batch-size", "1")
    assert (ended.status, await front.service.count("contacts")) == (2, 2)
    assert "42204 email: Not a valid email address. (item 3)" in ended.output
    (line,) = (loading.folder / "c.parquet.failed.ndjson").read_text().splitlines()
    failed = json.loads(line)
    assert (failed["index"], failed["item"]["tags"]) == (2, [])
    whole = await loading.run("c.parquet", "--to", "contacts", "--atomic", "--empty-as", "null")
    assert (whole.status, "3 failed" in whole.output) == (2, True), whole
    lines = (loading.folder / "c.parquet.failed.ndjson").read_text().splitlines()
    assert [json.loads(line)["errors"][-1]["code"] for line in lines] == [40903, 42202, 42204]


async def test_options_of_csv_and_xml_reach_the_service(loading: Loading, front: Front) -> None:
    loading.file("d.csv", "A;1,50;24/12/2026;N/A\nB;2;;\nC;3,25\n")
    ended = await loading.run(
        *("d.csv", "--to", "deals", "--columns", "title,value,expected_on,closed_at"),
        *("--decimal", "comma", "--nulls", "N/A", "--short-rows", "pad", "--empty-as", "null"),
        *("--dates", "DD/MM/YYYY"),
    )
    loading.file("d.xml", "<x><y><d><title>D</title><value>4</value><stage/></d></y><z/></x>")
    path = ("--items", "x/y/d", "--empty-as", "absent")
    wrapped = await loading.run("d.xml", "--to", "deals", *path)
    assert (ended.status, wrapped.status) == (0, 0), (ended, wrapped)
    found = (await front.service.get("deals")).body["data"]
    assert sorted((item["title"], item["value"], item["expected_on"]) for item in found) == [
        ("A", "1.50", "2026-12-24"),
        ("B", "2", None),
        ("C", "3.25", None),
        ("D", "4", None),
    ]


async def test_messages_speak_of_options(loading: Loading, front: Front) -> None:
    loading.file("c.csv", "nothing\n1\n")
    loading.file("d.csv", b"email\n\xff\n")
    for arguments, said in (
        (("c.csv", "--dates", "x"), "40002 invalid_parameter: --dates cannot be 'x'"),
        (("c.csv",), "header of the file names no field"),
        (("d.csv",), "named as `--charset windows-1252`"),
        (("c.csv", "--sheet", "2"), "c.csv: --sheet is for xlsx, and not for csv"),
    ):
        ended = await loading.run(*arguments, "--to", "contacts")
        assert (ended.status, said in ended.complaints) == (1, True), ended
        assert not re.search(r"Content-|query|\bbody\b|header=", ended.complaints)


ERRORS = ["error_field", "error_code", "error_message", "error_row"]


async def test_a_load_that_is_finished_is_begun_again(loading: Loading, front: Front) -> None:
    """Content A, B, A; and A once more after its rows were deleted."""
    merging = ("--to", "airports", "--prefer", "resolution=merge-duplicates", "--batch-size", "2")
    first, second = (
        "iata,name,country,latitude,longitude\n"
        + "".join(
            f"{key},{name},IT,1,2\n" for key, name in zip(("AAA", "BBB", "CCC"), names, strict=True)
        )
        for names in ("abc", "xyc")
    )
    for content, said in ((first, "3 created"), (second, "2 updated"), (first, "2 updated")):
        loading.file("a.csv", content)
        ended = await loading.run("a.csv", *merging)
        assert (ended.status, said in ended.output) == (0, True), ended.output
        assert "earlier run" not in ended.output
    assert "The file was loaded once before" in ended.output
    assert len(set(front.writes)) == len(front.writes) == 6
    names = [item["name"] for item in (await front.service.get("airports")).body["data"]]
    assert names == ["a", "b", "c"]
    deleting = ("--to", "airports", "--method", "delete")
    assert "3 deleted" in (await loading.run("a.csv", *deleting)).output
    ended = await loading.run("a.csv", *merging)
    assert "3 created" in ended.output
    assert "The file was loaded 2 times before" in ended.output
    assert await front.service.count("airports") == 3
    assert "3 deleted" in (await loading.run("a.csv", *deleting)).output


@pytest.mark.parametrize("trouble", ["503", "cut", "answer cut"])
async def test_what_is_in_the_way_is_tried_again(
    trouble: str, loading: Loading, front: Front
) -> None:
    front.troubles = [trouble, "", trouble, trouble]
    loading.file("c.csv", as_csv([contact(number) for number in range(30)]))
    ended = await loading.run("c.csv", "--to", "contacts", "--batch-size", "10")
    assert (ended.status, await front.service.count("contacts")) == (0, 30)
    assert len(front.writes) == 6
    assert len(set(front.writes)) == 3
    assert "trying again in" in ended.complaints
    assert "30 created" in ended.output


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 143)],
)
async def test_a_load_that_was_stopped_goes_on(
    number: signal.Signals, status: int, loading: Loading, front: Front
) -> None:
    items = [contact(number) for number in range(40)]
    items[1]["email"] = "bad"
    loading.file("c.csv", as_csv(items))
    front.troubles = ["", "", "answer cut", "held"]
    arguments = ("c.csv", "--to", "contacts", "--batch-size", "10", "--in-flight", "1")
    process = await loading.start(*arguments)
    async with asyncio.timeout(TIMEOUT):
        await front.held.wait()
    process.send_signal(number)
    stopped = await loading.ended(process)
    assert stopped.status == status
    assert await front.service.count("contacts") == 29
    if number is not signal.SIGKILL:
        assert "run the same command again" in stopped.complaints
        assert "20 rows" in stopped.output
    ended = await loading.run(*arguments)
    assert (ended.status, await front.service.count("contacts")) == (2, 39)
    assert "4 batches, 3 of them sent by an earlier run" in ended.output
    assert "29 created by an earlier run" in ended.output
    assert "10 created\n" in ended.output
    assert {path.name for path in loading.folder.iterdir()} == {"c.csv", "c.failed.csv"}
    again = await loading.run(*arguments)
    assert "The file was loaded once before" in again.output
    assert "created" not in again.output


async def test_a_load_is_stopped_while_its_file_is_read(loading: Loading, front: Front) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"email\n")
    process = await loading.start("-", "--format", "csv", "--to", "contacts", stdin=reading)

    async def waits_for_more() -> bool:
        return fcntl.ioctl(reading, termios.FIONREAD, bytes(4)) == bytes(4)

    await until(waits_for_more)
    process.send_signal(signal.SIGINT)
    os.close(reading)
    os.close(writing)  # Python looks for signals where a read ends
    async with asyncio.timeout(TIMEOUT):
        _, complaints = await process.communicate()
    assert (process.returncode, front.writes) == (130, [])
    assert complaints == b"ingest: stopped by SIGINT before anything was sent\n"


async def test_an_unfinished_load_goes_on_when_earlier_ones_are_forgotten(
    loading: Loading, front: Front, operator: Pool
) -> None:
    rows = "AAA,a,IT,1,2\nBBB,b,IT,1,2\n"
    loading.file("a.csv", f"iata,name,country,latitude,longitude\n{rows}")
    arguments = ("a.csv", "--to", "airports", "--prefer", "resolution=merge-duplicates")
    in_turn = ("--batch-size", "1", "--in-flight", "1")
    assert (await loading.run(*arguments, *in_turn)).status == 0
    async with operator.connection() as connection:
        forgotten = await connection.fetchval("SELECT array_agg(id) FROM ingest.batches")
    front.troubles = ["", "held"]
    process = await loading.start(*arguments, *in_turn)
    async with asyncio.timeout(TIMEOUT):
        await front.held.wait()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    forget = (
        "UPDATE ingest.batches SET idempotency_key = NULL, fingerprint = NULL WHERE id = ANY($1)"
    )
    async with operator.connection() as connection:
        await connection.execute(forget, forgotten)
    ended = await loading.run(*arguments, *in_turn)
    assert "1 unchanged by an earlier run" in ended.output, ended
    assert "2 batches, 1 of them sent by an earlier run" in ended.output
    assert "The file was loaded once before" in ended.output


async def test_a_refused_request_stops_the_load_with_one_line(
    loading: Loading, front: Front
) -> None:
    loading.file("c.csv", as_csv([contact(1)]))
    for arguments, said in (
        (("--to", "nothing"), "40402 unknown_collection"),
        (("--to", "contacts", "--token", "ingest_wrong"), "40102 token_invalid"),
        (("--to", "contacts", "--prefer", "wait=x"), "40002 invalid_parameter"),
    ):
        ended = await loading.run("c.csv", *arguments)
        assert (ended.status, ended.output) == (1, "")
        assert said in ended.complaints
        assert len(ended.complaints.splitlines()) == 1
        assert "ingest_wrong" not in ended.complaints
    assert len(front.writes) == 2  # without a token, not even the search for earlier loads is heard


async def test_wrong_usage_is_not_the_status_of_failed_rows(loading: Loading) -> None:
    loading.file("c.json", "[]")
    for arguments in (
        ("c.json",),
        ("c.json", "--to", "contacts", "--batch-size", "0"),
        ("c.json", "--to", "contacts", "--atomic"),
        ("nothing.csv", "--to", "contacts"),
        ("c.json", "--to", "contacts", "--url", "localhost:80"),
    ):
        assert (await loading.run(*arguments)).status == 1
    assert (await loading.run("c.json", "--to", "contacts")).status == 0


async def test_what_was_read_before_a_broken_item_is_loaded(loading: Loading, front: Front) -> None:
    items = [json.dumps(contact(number)) for number in range(10)]
    loading.file("c.json", "[" + ",\n".join([*items, "{oops"]))
    ended = await loading.run("c.json", "--to", "contacts", "--batch-size", "5")
    assert ended.status == 1
    assert "not valid JSON on line 11, column 2" in ended.complaints
    assert await front.service.count("contacts") == 5


async def test_a_strict_batch_leaves_all_of_its_rows_to_be_loaded_again(
    loading: Loading, front: Front
) -> None:
    items = [contact(number) for number in range(10)]
    items[6]["email"] = "bad"
    loading.file("c.csv", as_csv(items))
    ended = await loading.run("c.csv", "--to", "contacts", "--strict", "--batch-size", "5")
    assert (ended.status, await front.service.count("contacts")) == (2, 5)
    assert "4 not saved" in ended.output
    failed = loading.folder / "c.failed.csv"
    loading.file(failed.name, failed.read_text().replace("bad", "good@x.com"))
    assert (await loading.run(failed.name, "--to", "contacts", "--strict")).status == 0
    assert await front.service.count("contacts") == 10


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
async def test_an_atomic_load_is_one_batch(kind: str, loading: Loading, front: Front) -> None:
    items = [contact(number) for number in range(3000)]
    for number in range(0, 3000, 2):
        items[number]["email"] = f"bad {number:04}"
    loading.file(f"c.{kind}", WRITERS[kind](items))
    ended = await loading.run(f"c.{kind}", "--to", "contacts", "--atomic")
    assert (ended.status, await front.service.count("contacts")) == (2, 0)
    assert "1,500 failed" in ended.output
    assert "Nothing was saved" in ended.output
    failed = (loading.folder / f"c.failed.{kind}").read_text()
    assert [f"bad {number:04}" in failed for number in range(6)] == [True, False] * 3
    loading.file(f"c.{kind}", WRITERS[kind]([contact(number) for number in range(3000)]))
    front.troubles = ["answer cut", "503"]
    arguments = (f"c.{kind}", "--to", "contacts", "--atomic", "--encoding", "gzip")
    ended = await loading.run(*arguments)
    assert (ended.status, await front.service.count("contacts")) == (0, 3000)
    assert f"now c.failed.{kind}.old" in ended.output
    assert not (loading.folder / f"c.failed.{kind}").exists()


async def test_more_failures_than_an_answer_lists(loading: Loading, front: Front) -> None:
    items = [{**contact(number), "email": f"bad {number}"} for number in range(1200)]
    loading.file("c.ndjson", WRITERS["ndjson"]([*items, contact(1200)]))
    ended = await loading.run("c.ndjson", "--to", "contacts")
    assert (ended.status, await front.service.count("contacts")) == (2, 1)
    failed = (loading.folder / "c.failed.ndjson").read_text().splitlines()
    assert [json.loads(line)["line"] for line in failed] == list(range(1, 1201))


async def test_compressed_standard_input_sent_compressed_and_asynchronously(
    loading: Loading, front: Front
) -> None:
    content = gzip.compress(as_csv([contact(number) for number in range(30)]).encode())
    ended = await loading.run(
        *("-", "--format", "csv", "--to", "contacts", "--encoding", "gzip"),
        *("--prefer", "respond-async", "--batch-size", "10"),
        stdin=content,
    )
    assert (ended.status, await front.service.count("contacts")) == (0, 30)


async def test_items_are_changed_and_deleted(loading: Loading, front: Front) -> None:
    loading.file("c.csv", as_csv([contact(number) for number in range(5)]))
    assert (await loading.run("c.csv", "--to", "contacts")).status == 0
    loading.file("d.csv", "email,age\np1@example.com,77\np2@example.com,\n")
    ended = await loading.run(
        *("d.csv", "--to", "contacts", "--method", "patch"),
        *("--matching", "email", "--empty-as", "null"),
    )
    assert "1 updated" in ended.output
    loading.file("e.json", '["p1@example.com", "p3@example.com"]')
    arguments = ("e.json", "--to", "contacts", "--method", "delete", "--matching", "email")
    assert "2 deleted" in (await loading.run(*arguments)).output
    assert await front.service.count("contacts") == 3


async def test_corrections_of_an_earlier_file_are_kept(loading: Loading) -> None:
    loading.file("c.csv", as_csv([{**contact(1), "email": "bad"}]))
    assert (await loading.run("c.csv", "--to", "contacts")).status == 2
    failed = loading.folder / "c.failed.csv"
    before = failed.read_text()
    assert (await loading.run("c.csv", "--to", "contacts")).status == 2
    assert not failed.with_name("c.failed.csv.old").exists()  # it would say the same
    loading.file(failed.name, "corrected")
    assert (await loading.run("c.csv", "--to", "contacts")).status == 2
    assert failed.read_text() == before
    assert failed.with_name("c.failed.csv.old").read_text() == "corrected"
