"""GET /v1/batches/{id}/failures: every failed item, in three formats, to be corrected and sent."""

import asyncio
import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from ingest.formats.failure_columns import Columns
from ingest.formats.failure_files import CsvWriter
from ingest.formats.negotiation import NDJSON
from ingest.model import Failure
from ingest.store import failures
from ingest.store.pool import Pool
from ingest.tasks import end
from tests.api.shared import JIM, configured, contact, send
from tests.harness import Service
from tests.waiting import finished

ERRORS = ("error_field", "error_code", "error_message", "error_row")
CSV_BODY = (
    "age;company;email;first_name;tags.0;tags.1\n"
    "41;=1+1;ann@example.com;Ann;a;b\n"
    "-5;@home;jim@example.com;Jim;;x\n"
    "x;-2+3;;=cmd;;\n"
    "1;2;3\n"
)


async def batch_of(service: Service, body: str | bytes, content_type: str) -> str:
    reply = await send(
        service, "contacts", body, content_type=content_type, prefer="handling=lenient"
    )
    assert reply.status in (207, 422), reply.body
    batch: str = reply.body["metadata"]["batchId"]
    return batch


async def file_of(service: Service, batch: str, extension: str = "", **headers: str) -> bytes:
    headers = {"Authorization": f"Bearer {service.token}", **headers}
    path = f"/v1/batches/{batch}/failures{extension}"
    async with service.client.get(path, headers=headers) as response:
        assert response.status == 200
        assert response.headers["X-Trace-Id"]
        return await response.read()


def rows(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode(), newline="")))


async def test_csv_has_the_columns_of_the_body_and_then_the_errors(service: Service) -> None:
    batch = await batch_of(service, CSV_BODY, "text/csv")
    header, *found = rows(await file_of(service, batch, ".csv"))
    assert header == [
        *("age", "company", "email", "first_name", "tags.0", "tags.1"),
        *ERRORS,
    ]
    assert [row[:6] for row in found] == [
        ["-5", "'@home", "jim@example.com", "Jim", "x", ""],
        ["x", "'-2+3", "", "'=cmd", "", ""],
        ["1", "2", "3", "", "", ""],
    ]
    assert found[0][6:8] == ["age", "42205"]
    assert {*found[1][6].split("; ")} == {"age", "email"}
    assert found[2][7] == "42204"
    assert "3 cells" in found[2][8]


async def test_a_corrected_file_is_sent_as_it_is(service: Service) -> None:
    batch = await batch_of(service, CSV_BODY, "text/csv")
    file = (await file_of(service, batch, Accept="text/csv")).decode()
    corrected = file.replace("-5,", "5,").replace("x,'-2+3,,", "7,'-2+3,b@example.com,")
    corrected = corrected.replace("1,2,3,,,", "1,2,c@example.com,C,,")
    reply = await send(service, "contacts", corrected, content_type="text/csv")
    assert reply.status == 201, reply.body
    saved = [(item["company"], item["first_name"], item.get("tags")) for item in reply.body["data"]]
    assert saved == [("@home", "Jim", ["x"]), ("-2+3", "=cmd", None), ("2", "C", None)]


@pytest.mark.parametrize(
    ("body", "content_type", "path"),
    [
        ('iata,name\nQ1,1,Smith, Jim\nQ2\nQ3,a\nQ4,"a" b\n', "text/csv", "airports"),
        ('{"iata": broken\n[1, 2.50]\n"Q5"\n', "application/x-ndjson", "airports"),
        ('[7, null, ["Q6", {"a": 1}], {"x": 1e400}, "Q7"]', "application/json", "airports"),
        ('[true, null, ["Q6"], {"name": "a"}, 7]', "application/json", "airports:delete"),
        (
            '[{"name": {"a": 1}}, {"name": "x", "born": 5}, {"name": "y", "born": ["2026-01-01"]},'
            ' {"name": null, "more": [null]}, {"": 1}]',
            *("application/json", "people"),
        ),
        (
            '[{"code": 1, "text": "x"}, {"code": "2"}, {"code": 3, "scores": [1, 2]},'
            ' {"code": 4, "pair": {"0": "a"}}, {"code": 5, "address": "{\\"city\\": 1}"},'
            ' {"code": 6, "boolean": null}, {"code": 7, "addresses": [null, {"city": "x"}]}]',
            *("application/json", "everything"),
        ),
        (
            "<a><b><code>x</code><scores><item>1</item><item>2</item></scores></b></a>",
            *("application/xml", "everything"),
        ),
        ('[{"name": "a", "born": "x", " name": 1}]', "application/json", "people"),
        ('"Q7\n{"name": "b", "iata": "Q8"}\n"Q9"\n', "application/x-ndjson", "airports:delete"),
    ],
    ids=[
        *(
            "csv",
            "ndjson",
            "json",
            "delete json",
            "objects in place of texts",
            "other types",
            "xml",
        ),
        *("names that no header has", "delete ndjson"),
    ],
)
async def test_an_unchanged_file_fails_again(
    service: Service, body: str, content_type: str, path: str
) -> None:
    first = await send(service, path, body, content_type=content_type)
    file = await file_of(service, first.body["metadata"]["batchId"], ".csv")
    again = await send(service, path, file, content_type="text/csv")
    assert again.status == first.status == 422
    assert [told(each) for each in again.body["failures"]] == [
        told(each) for each in first.body["failures"]
    ]
    assert rows(await file_of(service, again.body["metadata"]["batchId"], ".csv")) == rows(file)


def told(failure: Any) -> tuple[Any, ...]:
    """What is said of an item, but for its line, and for how a bare key is written."""
    raw = failure["rawData"]
    if isinstance(raw, dict):
        raw = {name: raw[name] for name in raw if len(raw) > 1} or next(iter(raw.values()))
    errors = [(each["code"], each.get("field"), each["message"]) for each in failure["errors"]]
    return raw if isinstance(raw, dict) else str(raw), errors


WRITTEN = (
    "everything?decimal=comma&dates=DD.MM.YYYY&nulls=NULL&shortRows=pad&delimiter=semicolon",
    "code;the text;decimal;date;moment;scores.a\n"
    "1;NULL;1,50;24.12.2026;24.12.2026 9:05Z;-1,5\n"
    "2;x;1.5;2026-12-24;24.12.2026 10:00Z;NULL\n"
    "3;y;-2,5;31.12.2026\n"
    "3;z;-3,5;31.12.2026;NULL;7\n",
)


async def test_empty_cells_that_are_null_come_back_as_they_were_sent(service: Service) -> None:
    """In the cells alone, which another notation is read in; nulls of JSON in `error_row`."""
    path = "everything?emptyAs=null&decimal=comma"
    first = await send(
        service, path, 'code,the text,float\n1,,"1,5"\n2,,x\n', content_type="text/csv"
    )
    file = await file_of(service, first.body["metadata"]["batchId"], ".csv")
    assert rows(file)[1:] == [["2", "", "x", "float", "42203", "Not a valid number.", ""]]
    corrected = file.replace(b",x,", b',"-2,5",')
    reply = await send(service, path, corrected, content_type="text/csv")
    assert reply.body["data"][0]["float"] == -2.5
    sent = [{"code": 3, "the text": None, "float": "x"}]
    told = (await service.post("everything", sent)).body
    for _ in range(2):  # also the file of a file
        file = await file_of(service, told["metadata"]["batchId"], ".csv")
        told = (await send(service, "everything", file, content_type="text/csv")).body
        assert [each["rawData"] for each in told["failures"]] == sent


async def test_a_file_of_other_notation_comes_back_as_it_was_sent(service: Service) -> None:
    path, body = WRITTEN
    assert (await service.post("everything", [{"code": 3}])).status == 201
    first = await send(service, path, body, content_type="text/csv")
    assert first.status == 422
    assert {index: sorted(errors) for index, errors in first.codes.items()} == {
        0: [(42203, "scores.a")],
        1: [(42202, "scores"), (42203, "decimal"), (42204, "date")],
        2: [(40903, "code")],
        3: [(42202, "moment")],
    }
    file = await file_of(service, first.body["metadata"]["batchId"], ".csv")
    assert [";".join(row[:6]) for row in rows(file)] == [
        "code;the text;decimal;date;moment;scores.a",
        "1;NULL;1,50;24.12.2026;24.12.2026 9:05Z;'-1,5",
        "2;x;1.5;2026-12-24;24.12.2026 10:00Z;NULL",
        "3;y;'-2,5;31.12.2026;;",
        "3;z;'-3,5;31.12.2026;NULL;7",
    ]
    path = path.replace("&delimiter=semicolon", "")
    again = await send(service, path, file, content_type="text/csv")
    assert again.body["failures"] == first.body["failures"]
    for wrong, right in (
        ("'-1,5", "-1"),
        ("1.5,2026-12-24", '"1,5",24.12.2026'),
        ("10:00Z,NULL", "10:00Z,"),
        ("\n3,y", "\n4,y"),
        ("\n3,z", "\n5,z"),
        ("31.12.2026,NULL,7", "31.12.2026,,7"),
    ):
        assert wrong.encode() in file
        file = file.replace(wrong.encode(), right.encode())
    options = {"content_type": "text/csv", "idempotency_key": "k"}
    dry = await send(service, f"{path}&dryRun=true", file, **options)
    assert (dry.status, dry.body["metadata"]["validItems"]) == (200, [0, 1, 2, 3]), dry.body
    reply = await send(service, path, file, **options)
    assert reply.status == 201
    first, second, *_ = reply.body["data"]
    assert (first["the text"], first["decimal"], first["scores"]) == (None, 1.5, {"a": -1})
    assert (second["decimal"], second["date"]) == (1.5, "2026-12-24")
    assert first["moment"].startswith("2026-12-24T09:05")
    assert (await send(service, path, file, **options)).status == 409
    other = path.replace("DD.MM.YYYY", "MM.DD.YYYY")
    for changed in (other, path.replace("NULL", "null"), path.replace("&shortRows=pad", "")):
        reply = await send(service, changed, file, **options)
        assert (reply.status, reply.error[0]) == (422, 42220), changed


async def test_json_and_ndjson(service: Service) -> None:
    items = [JIM, {"email": "x", "tags": ["a", 5], "age": 1.5}, 7]
    batch = await batch_of(service, json.dumps(items), "application/json")
    document = json.loads(await file_of(service, batch))
    assert (document["result"], document["metadata"]["batchId"]) == ("success", batch)
    assert document["metadata"]["invalidItemsCount"] == 2
    assert [each["index"] for each in document["failures"]] == [1, 2]
    assert [each["rawData"] for each in document["failures"]] == items[1:]
    assert document["failures"][1]["errors"][0]["code"] == 42203
    for headers, extension in (({"Accept": "application/x-ndjson"}, ""), ({}, ".ndjson")):
        lines = (await file_of(service, batch, extension, **headers)).splitlines()
        assert [json.loads(line) for line in lines] == document["failures"]
    header, first, second = rows(await file_of(service, batch, ".csv"))
    assert header[:5] == ["email", "tags.0", "tags.1", "age", "id"]
    assert (first[:5], second[:5]) == (["x", "a", "5", "1.5", ""], ["", "", "", "", "7"]) or (
        second[0] == "7"
    )


async def test_a_batch_without_failures_has_an_empty_file(service: Service) -> None:
    batch = (await service.post("contacts", [JIM])).body["metadata"]["batchId"]
    assert json.loads(await file_of(service, batch))["failures"] == []
    assert await file_of(service, batch, ".ndjson") == b""
    assert await file_of(service, batch, ".csv") == f"{','.join(ERRORS)}\r\n".encode()


@configured(max_failures=2)
async def test_all_failures_are_there_beyond_those_of_the_answer(service: Service) -> None:
    items = [contact(n, age=-1, company="c" * 200) for n in range(3000)] + [contact(9999)]
    reply = await service.post("contacts", items, prefer="handling=lenient, wait=60")
    assert reply.status == 207
    assert len(reply.body["failures"]) == 2
    batch = reply.body["metadata"]["batchId"]
    lines = (await file_of(service, batch, ".ndjson")).splitlines()
    found = [json.loads(line) for line in lines]
    assert [each["index"] for each in found] == list(range(3000))
    assert [each["rawData"] for each in found] == items[:3000]
    assert len(rows(await file_of(service, batch, ".csv"))) == 3001


async def test_failures_of_the_commit_are_there(service: Service) -> None:
    assert (await service.post("contacts", [JIM])).status == 201
    reply = await send(
        service,
        "contacts",
        f"first_name,email\nA,{JIM['email']}\n",
        content_type="text/csv",
        prefer="respond-async",
    )
    batch = await finished(service, reply.headers["Location"])
    assert batch["state"] == "failed"
    header, row = rows(await file_of(service, batch["id"], ".csv"))
    assert header[:2] == ["first_name", "email"]
    assert row[:4] == ["A", JIM["email"], "email", "40903"]


async def test_pages_are_bounded(service: Service, operator: Pool) -> None:
    items = [{"email": "x", "company": "c" * size} for size in (10, 300_000, 10, 300_000, 20)]
    batch = await batch_of(service, json.dumps(items), "application/json")
    found = [page async for page in failures.pages(operator, "acme", UUID(batch))]
    sizes = [[failure.index for failure in page] for page in found]
    assert sizes == [[0, 1], [2, 3], [4]]


async def test_other_accounts_see_nothing(service: Service, rival: Service) -> None:
    batch = await batch_of(service, CSV_BODY, "text/csv")
    for extension in ("", ".csv", ".ndjson"):
        reply = await rival.get(f"batches/{batch}/failures{extension}")
        assert (reply.status, reply.error) == (404, (40404, "unknown_batch"))


@pytest.mark.parametrize("path", ["x/failures", "0191d7a0-0000-7000-8000-000000000001/failures"])
async def test_an_unknown_batch(api: Service, path: str) -> None:
    reply = await api.get(f"batches/{path}")
    assert (reply.status, reply.error) == (404, (40404, "unknown_batch"))
    reply = await api.get(f"batches/{path}?limit=5")
    assert (reply.status, reply.error) == (400, (40002, "invalid_parameter"))


async def test_too_many_columns_become_one(service: Service) -> None:
    wide = [{f"field{item}.{number}": 1 for number in range(400)} for item in range(3)]
    long = [{"x" * 70_000: 1}]
    few = [{f"field{number}": 1 for number in range(400)}]
    for items, whole in ((wide, True), (long, True), (few, False)):
        batch = await batch_of(service, json.dumps(items), "application/json")
        header, *found = rows(await file_of(service, batch, ".csv"))
        if whole:
            assert header[0] == "error_item"
            assert [json.loads(row[0]) for row in found] == items
        else:
            assert header[:-4] == list(few[0])
    header = ",".join(f"field{number}" for number in range(2_000))
    batch = await batch_of(service, f"{header},error_code\n{',' * 1_998}1,,\n", "text/csv")
    names, row = rows(await file_of(service, batch, ".csv"))
    assert (names[:-4], row[0]) == (["field1998"], "1")  # those that are needed


async def test_a_corrected_file_of_whole_items_is_sent_as_it_is(service: Service) -> None:
    """Also where items have a field of the name that its one column might have."""
    many = {f"field{number}": "=x" for number in range(1_001)}
    wrong = {**many, "name": 5, "item": {"a": [1.50, None]}, "error_item": "-"}
    items = [{"name": "a"}, wrong, {"item": {"name": "b"}}, "bare", None, -7]
    first = await send(service, "loose", json.dumps(items))
    file = await file_of(service, first.body["metadata"]["batchId"], ".csv")
    header, *found = rows(file)
    assert header == ["error_item", *ERRORS]
    assert [json.loads(row[0]) for row in found] == items[1:]
    again = await send(service, "loose", file, content_type="text/csv")
    assert again.body["failures"] == first.body["failures"]
    same = await file_of(service, again.body["metadata"]["batchId"], ".csv")
    assert same == file
    corrected = file.replace(b'""name"":5', b'""name"":""c""')
    reply = await send(
        service, "loose", corrected, content_type="text/csv", prefer="handling=lenient"
    )
    assert reply.status == 207
    assert reply.body["data"] == [{"name": "c"}]


async def test_wide_files_let_others_run(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand rows under a thousand columns: a few of them, and then another request."""
    items = [{f"f{number}": 1 for number in range(900)}, *[{"age": -1}] * 999]
    batch = await batch_of(service, json.dumps(items), "application/json")
    turn = 0
    handled: dict[str, Counter[int]] = {"add": Counter(), "page": Counter()}

    async def others() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    def counted(kind: type, name: str) -> None:
        original = getattr(kind, name)

        def count(self: object, page: Sequence[Failure]) -> Any:
            handled[name][turn] += len(page)
            return original(self, page)

        monkeypatch.setattr(kind, name, count)

    counted(Columns, "add")
    counted(CsvWriter, "page")
    working = asyncio.create_task(others())
    file = await file_of(service, batch, ".csv")
    await end([working])
    assert len(rows(file)) == 1_001
    for rows_by_turn in handled.values():
        assert rows_by_turn.total() == 1_000
        assert max(rows_by_turn.values()) <= 10


BROKEN = 'age,email,first_name\nx,a@example.com,A\n1,b@example.com,B,C\n2\n3,"a" b,D\n'
LINES = '{"email":"x"}\n{broken\n[1]\n"x"\n{"age":1e400}\n'


@pytest.mark.parametrize(("body", "media_type"), [(BROKEN, "text/csv"), (LINES, NDJSON)])
async def test_whatever_the_service_writes_fails_again_in_the_same_way(
    service: Service, body: str, media_type: str
) -> None:
    batch = await batch_of(service, body, media_type)
    first = (await service.get(f"batches/{batch}")).body["data"]["failures"]
    for extension, own in ((".csv", "text/csv"), (".ndjson", NDJSON), ("", "application/json")):
        file = await file_of(service, batch, extension)
        again = await send(service, "contacts", file, content_type=own)
        assert again.status == 422, extension
        found = again.body["failures"]
        assert [each["rawData"] for each in found] == [each["rawData"] for each in first]
        for was, now in zip(first, found, strict=True):
            assert [(e["code"], e["message"], e.get("field")) for e in was["errors"]] == [
                (e["code"], e["message"], e.get("field")) for e in now["errors"]
            ]


async def test_an_item_without_fields_has_a_row_of_errors(service: Service) -> None:
    for body in ("[{}]", '[{}, {"email": "x"}]'):
        batch = await batch_of(service, body, "application/json")
        rows = [*csv.DictReader(io.StringIO((await file_of(service, batch, ".csv")).decode()))]
        assert {each["error_code"] for each in rows if not each.get("email")} == {"42201; 42201"}


async def test_a_list_of_which_nothing_is_selected_is_a_file_too(service: Service) -> None:
    assert (await service.post("contacts", [JIM])).status == 201
    found = (await service.get("contacts/schema?for=item")).body["properties"]
    path = f"/v1/contacts?select={','.join(f'-{name}' for name in found if name != 'meta')}"
    headers = {"Authorization": f"Bearer {service.token}", "Accept": "text/csv"}
    async with service.client.get(path, headers=headers) as response:
        assert (response.status, (await response.text()).strip()) == (200, "")
