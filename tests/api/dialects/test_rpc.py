"""Document 001 over HTTP: what a client that was written from it alone relies on."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient

from ingest import Resource
from ingest.app import create_app
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from ingest.store.tokens import create_token
from tests.api.conftest import Server
from tests.api.shared import configured, writers_wait
from tests.harness import SubscriberSchema, people, seats, subscribers
from tests.waiting import until
from workers.commit import Committer
from workers.settings import running_worker

# In the order that makes the document's own database 1.
REGISTRY = Registry([subscribers, seats, people])
EXAMPLE = """{
	"token": "TOKEN",
	"db_id": 1,
	"resource_id": 1,
	"matching": "email",
	"email": "example@example.com",
	"data": {
		"_status": 0,
		"_fname": "Jim",
		"_lname": "Jones",
		"email": "example@example.com",
		"phones": ["+79000000000"]
	}
}
"""
JIM = json.loads(EXAMPLE)["data"]
OK = {"error": 0, "error_text": "Successful operation"}


@dataclass(frozen=True)
class Called:
    """What came back."""

    status: int
    headers: Any
    body: Any
    text: str

    @property
    def error(self) -> int:
        code: int = self.body["error"]
        return code


class Rpc:
    """A client of the document's own kind."""

    def __init__(self, client: "TestClient[Any, Any]", token: str, operator: Pool) -> None:
        self.client, self.token, self.operator = client, token, operator

    async def send(self, method: str, body: str | bytes, verb: str = "POST", **more: Any) -> Called:
        """Send a body as it is; `more` are headers in snake case."""
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        headers = {"content-type": "application/json"} | headers
        headers = {name: value for name, value in headers.items() if value is not None}
        skip = ["Content-Type"]
        path = f"/api/v1.1/{method}"
        data = body.encode() if isinstance(body, str) else body
        async with self.client.request(
            verb, path, data=data, headers=headers, skip_auto_headers=skip
        ) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            document = json.loads(text) if text and is_json else None
            return Called(response.status, response.headers, document, text)

    async def call(
        self, method: str, headers: dict[str, str] | None = None, /, **more: Any
    ) -> Called:
        """Call a method of database 1 with the client's token."""
        parameters = {"token": self.token, "db_id": 1, **more}
        kept = {name: value for name, value in parameters.items() if value is not ...}
        return await self.send(method, json.dumps(kept), **(headers or {}))

    async def stored(self, table: str = "subscribers") -> list[dict[str, Any]]:
        """The rows of a table, in the order in which they came, without the service's columns."""
        async with self.operator.connection() as connection:
            rows = await connection.fetch(f"SELECT to_jsonb(t) AS row FROM collections.{table} t")
        return [
            {name: value for name, value in json.loads(row["row"]).items() if name[:1] != "$"}
            for row in rows
        ]


@pytest.fixture
async def quiet(settings: Settings, operator: Pool) -> AsyncIterator[Rpc]:
    """An API without a worker."""
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(Server(create_app(settings, REGISTRY))) as client:
        yield Rpc(client, token, operator)


@pytest.fixture
async def rpc(quiet: Rpc, worker: None) -> Rpc:
    """The whole service."""
    return quiet


async def test_r02_r08_r10_r18_the_documents_example_verbatim(rpc: Rpc) -> None:
    reply = await rpc.send("profiles/import", EXAMPLE.replace("TOKEN", rpc.token))
    [row] = await rpc.stored()
    assert reply.status == 200
    assert reply.body == OK | {"profile_id": row.pop("id")}
    assert row == JIM


async def test_r16_add_update_get_delete(rpc: Rpc) -> None:
    added = await rpc.call("profiles/add", data=JIM)
    again = await rpc.call("profiles/add", data=JIM | {"_fname": "Tim"})
    key = added.body["profile_id"]
    updated = await rpc.call("profiles/update", profile_id=key, data={"_fname": "Tom"})
    found = await rpc.call("profiles/get", matching="email", email=JIM["email"])
    by_key = await rpc.call("profiles/get", profile_id=key)
    deleted = await rpc.call("profiles/delete", profile_id=key)
    gone = await rpc.call("profiles/get", profile_id=key)
    assert (added.body, updated.body, deleted.body) == (OK | {"profile_id": key},) * 3
    assert again.error == 409
    expected = OK | {"profile_id": key, "data": JIM | {"_fname": "Tom", "id": key}}
    assert (found.body, by_key.body) == (expected, expected)
    assert gone.error == 404
    assert await rpc.stored() == []


async def test_r01_r37_other_http_methods_are_405_and_say_so_in_the_document(quiet: Rpc) -> None:
    for verb in ("GET", "PUT", "DELETE", "PATCH"):
        reply = await quiet.send("profiles/import", EXAMPLE, verb)
        assert (reply.status, reply.headers["Allow"], reply.error) == (405, "POST", 400)


async def test_r03_token_and_format_in_the_url(rpc: Rpc) -> None:
    body = EXAMPLE.replace("TOKEN", "")
    by_url = await rpc.send(f"profiles/import?token={rpc.token}&format=xml", body)
    assert '<error type="number">0</error>' in by_url.text
    both = EXAMPLE.replace("TOKEN", rpc.token)
    other = await rpc.send(f"profiles/add?token={rpc.token}x", both)
    assert other.error == 401
    twice = await rpc.send(
        "profiles/get?format=xml",
        json.dumps({"format": "json", "token": rpc.token, "db_id": 1, "email": JIM["email"]}),
    )
    assert '<error type="number">400</error>' in twice.text or twice.error == 400
    unknown = await rpc.send("profiles/add?tokne=x", both)
    assert unknown.error == 400
    assert len(await rpc.stored()) == 1


async def test_r03_two_tokens_that_differ_are_401(rpc: Rpc) -> None:
    right, wrong = f'"token": "{rpc.token}"', '"token": "x"'
    data = json.dumps(JIM)
    for first, second in (
        (right, wrong),
        (wrong, right),
        (right, wrong.replace("t", "\\u0074", 1)),
    ):
        body = f'{{{first}, "db_id": 1, "data": {data}, {second}}}'
        assert (await rpc.send("profiles/add", body)).error == 401, body
    number = f'{{{right}, "db_id": 1, "data": {data}, "token": 5}}'
    assert (await rpc.send("profiles/add", number)).error == 401
    xml = f"<r><token>{rpc.token}</token><db_id>1</db_id><token>x</token></r>"
    refused = await rpc.send("profiles/get?format=json", xml, content_type="application/xml")
    assert refused.error == 401
    in_url = await rpc.send(f"profiles/add?token={rpc.token}&token=x", EXAMPLE)
    assert (in_url.status, in_url.error) == (200, 401)
    assert await rpc.stored() == []
    # The same one twice is one token; what an item calls so is none.
    item = json.dumps(JIM | {"token": "x"})
    body = f'{{{right}, "db_id": 1, "data": {item}, {right}}}'
    assert (await rpc.send("profiles/add", body)).error == 450


@pytest.mark.parametrize(
    "content_type", [None, "text/xml", "text/csv", "application/yaml", "application/x-ndjson"]
)
async def test_r04_r05_r31_other_content_types_are_415(
    quiet: Rpc, content_type: str | None
) -> None:
    body = EXAMPLE.replace("TOKEN", quiet.token)
    reply = await quiet.send("profiles/import", body, content_type=content_type)
    assert (reply.status, reply.error) == (200, 415)
    coded = await quiet.send("profiles/import", body, content_encoding="br-unknown")
    assert coded.error == 415
    assert await quiet.stored() == []


async def test_r05_r06_utf_8_and_nothing_else(rpc: Rpc) -> None:
    body = EXAMPLE.replace("TOKEN", rpc.token).replace("Jim", "Jürgen")
    other = await rpc.send(
        "profiles/import", body.encode("latin-1"), content_type="application/json; charset=latin-1"
    )
    broken = await rpc.send("profiles/import", body.encode("latin-1"))
    xml = f"<?xml version='1.0' encoding='iso-8859-1'?><a><token>{rpc.token}</token></a>"
    declared = await rpc.send("profiles/import", xml, content_type="application/xml")
    assert (other.error, broken.error, declared.error) == (400, 400, 400)
    assert await rpc.stored() == []
    reply = await rpc.send("profiles/import", body, content_type="application/json; charset=UTF-8")
    assert reply.error == 0
    assert [row["_fname"] for row in await rpc.stored()] == ["Jürgen"]


XML = """<request><token>{token}</token><db_id>1</db_id><resource_id>1</resource_id>
<matching>email</matching><email>{email}</email><data><_status>0</_status><_fname>Jim</_fname>
<email>{email}</email><phones><item>+79000000000</item></phones></data></request>"""


async def test_r07_r21_r44_a_body_and_an_answer_of_xml(rpc: Rpc) -> None:
    body = XML.format(token=rpc.token, email=JIM["email"])
    as_json = await rpc.send("profiles/import", body, content_type="application/xml")
    [row] = await rpc.stored()
    key = row.pop("id")
    assert as_json.body == OK | {"profile_id": key}
    assert row == {**JIM, "_lname": None}
    wrong = XML.format(token=rpc.token, email="x")
    as_xml = await rpc.send("profiles/import?format=xml", wrong, content_type="application/xml")
    assert as_xml.headers["Content-Type"].partition(";")[0] == "application/xml"
    assert '<response><error type="number">450</error><error_text>email: ' in as_xml.text


async def test_r07_xml_with_attributes_is_400(quiet: Rpc) -> None:
    body = XML.format(token=quiet.token, email=JIM["email"]).replace("<data>", "<data id='1'>")
    reply = await quiet.send("profiles/import", body, content_type="application/xml")
    assert reply.error == 400
    assert await quiet.stored() == []


async def test_r08_r25_where_the_token_may_be(rpc: Rpc) -> None:
    nowhere = await rpc.call("profiles/import", token=..., data=JIM)
    wrong = await rpc.call("profiles/import", token="ingest_x", data=JIM)
    number = await rpc.call("profiles/import", token=5, data=JIM)
    empty = await rpc.send("profiles/import", "")
    bearer = {"authorization": f"Bearer {rpc.token}"}
    differs = await rpc.call("profiles/import", {"authorization": "Bearer x"}, data=JIM)
    for reply in (nowhere, wrong, number, empty, differs):
        assert (reply.status, reply.error) == (200, 401)
        assert "profile_id" not in reply.body
    assert await rpc.stored() == []
    header = await rpc.call("profiles/import", bearer, token=..., data=JIM)
    assert header.error == 0


async def test_r08_the_same_token_in_other_words_does_not_differ(quiet: Rpc) -> None:
    for scheme in ("Bearer", "bearer", "Bearer "):
        header = {"authorization": f"{scheme} {quiet.token}"}
        reply = await quiet.call("profiles/get", header, email="a@example.com")
        assert reply.error == 404
        url = f"profiles/get?token={quiet.token}"
        assert (await quiet.call(url, header, token=..., email="a@example.com")).error == 404
    none = await quiet.call("profiles/get", token=..., email="a@example.com")
    assert none.body == {"error": 401, "error_text": "A token is required. Send it as 'token'."}


@configured(max_unknown_body=2000)
async def test_r09_r24_of_an_unknown_caller_only_so_much_is_read(rpc: Rpc) -> None:
    long = JIM | {"_lname": "x" * 3000}
    inside = await rpc.call("profiles/import", data=long)
    assert inside.error == 400
    assert await rpc.stored() == []
    body = {"db_id": 1, "data": long, "token": rpc.token}
    in_url = await rpc.send(f"profiles/import?token={rpc.token}", json.dumps(body))
    assert in_url.error == 0


async def test_r09_of_one_address_one_long_body_is_read_at_a_time(
    quiet: Rpc, settings: Settings
) -> None:
    arriving = asyncio.Event()
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"data": "'
        arriving.set()
        await go_on.wait()
        yield b'"}'

    headers = {"Content-Type": "application/json"}
    path = "/api/v1.1/profiles/import"
    first = asyncio.create_task(quiet.client.post(path, data=slowly(), headers=headers))
    await arriving.wait()
    second = asyncio.create_task(quiet.client.post(path, data=b"x" * 100_000, headers=headers))
    short = await quiet.call("profiles/get", email="nobody@example.com")
    assert short.error == 404
    assert not second.done()
    go_on.set()
    assert [(await each).status for each in (first, second)] == [200, 200]


async def test_r11_db_id_is_a_number_or_its_text_or_the_collections_name(rpc: Rpc) -> None:
    for number, email in ((1, "a@example.com"), ("1", "b@example.com")):
        reply = await rpc.call("profiles/import", db_id=number, data={"email": email})
        assert reply.error == 0
    named = await rpc.call("subscribers/import", db_id=..., data={"email": "c@example.com"})
    assert named.error == 0
    assert len(await rpc.stored()) == 3
    for wrong in ("one", True, 1.5, [1], -1):
        assert (await rpc.call("profiles/import", db_id=wrong, data=JIM)).error in (400, 413)
    assert (await rpc.call("profiles/import", db_id=..., data=JIM)).error == 400
    assert (await rpc.call("seats/import", data=JIM)).error == 400
    assert len(await rpc.stored()) == 3


async def test_r12_r30_an_unknown_database_or_resource_is_413(quiet: Rpc) -> None:
    unknown = await quiet.call("profiles/import", db_id=99, data=JIM)
    other = await quiet.call("profiles/import", resource_id=2, data=JIM)
    assert (unknown.error, other.error) == (413, 413)
    assert await quiet.stored() == []


async def test_r12_a_collection_lists_its_resources(
    settings: Settings, operator: Pool, worker: None
) -> None:
    listed = Resource("subscribers", SubscriberSchema, unique=["email"], rpc_resources=(3, 5))
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(Server(create_app(settings, Registry([listed, people])))) as client:
        rpc = Rpc(client, token, operator)
        for resource, error in ((1, 413), (3, 0), ("5", 0), (35, 413), (..., 0), (None, 0)):
            data = {"email": f"{resource}@example.com".replace("Ellipsis", "none")}
            reply = await rpc.call("profiles/add", resource_id=resource, data=data)
            assert reply.error == error, resource
        # What one collection lists is not another's.
        assert (await rpc.call("profiles/get", db_id=2, resource_id=3, name="x")).error == 413
    emails = [row["email"] for row in await rpc.stored()]
    assert sorted(emails) == [
        "3@example.com",
        "5@example.com",
        "None@example.com",
        "none@example.com",
    ]


async def test_r13_matching_finds_the_profile(rpc: Rpc) -> None:
    key = (await rpc.call("profiles/add", data=JIM)).body["profile_id"]
    by_email = await rpc.call(
        "profiles/import", matching="email", email=JIM["email"], data={"_fname": "A"}
    )
    by_default = await rpc.call("profiles/import", email=JIM["email"], data={"_lname": "B"})
    by_key = await rpc.call(
        "profiles/update", matching="profile_id", profile_id=key, data={"_status": 7}
    )
    for reply in (by_email, by_default, by_key):
        assert reply.body == OK | {"profile_id": key}
    assert await rpc.stored() == [JIM | {"id": key, "_fname": "A", "_lname": "B", "_status": 7}]
    two = await rpc.call(
        "profiles/update",
        matching="email",
        email=JIM["email"],
        profile_id=key,
        data={"_fname": "Z"},
    )
    assert two.error == 400
    for matching in ("nothing", "phones", 5):
        assert (await rpc.call("profiles/get", matching=matching, email="x")).error == 400


async def test_r14_the_value_may_be_there_twice_but_not_differ(rpc: Rpc) -> None:
    differs = await rpc.call(
        "profiles/import", matching="email", email="other@example.com", data=JIM
    )
    assert differs.error == 450
    assert differs.body["error_text"].startswith("email: ")
    neither = await rpc.call("profiles/import", matching="email", data={"_fname": "Jim"})
    null = await rpc.call("profiles/import", matching="email", email=None, data={"_fname": "Jim"})
    assert (neither.error, null.error) == (400, 400)
    assert await rpc.stored() == []
    inside = await rpc.call("profiles/import", matching="email", data=JIM)
    assert inside.error == 0


async def test_r13_r14_the_key_finds_the_profile_where_nothing_else_is_unique(rpc: Rpc) -> None:
    for born in ("2001-01-01", "2002-02-02"):
        reply = await rpc.call("people/import", db_id=..., data={"name": "Jo", "born": born})
        assert reply.body == OK | {"profile_id": "Jo"}
    [row] = await rpc.stored("people")
    assert row["born"] == "2002-02-02"
    nothing = await rpc.call("people/update", db_id=..., data={"born": "2003-03-03"})
    assert nothing.error == 400


async def test_r15_data_is_an_object_of_fields(rpc: Rpc) -> None:
    for data in (..., None, "text", 5):
        reply = await rpc.call("profiles/import", matching="email", email="a@b.example", data=data)
        assert reply.error == 400
    unknown = await rpc.call("profiles/import", data=JIM | {"nick": "J"})
    assert (unknown.error, unknown.body["error_text"][:6]) == (450, "nick: ")
    assert await rpc.stored() == []
    key = (await rpc.call("profiles/import", data=JIM)).body["profile_id"]
    cleared = await rpc.call("profiles/update", profile_id=key, data={"_lname": None})
    refused = await rpc.call("profiles/update", profile_id=key, data={"_fname": None})
    assert (cleared.error, refused.error) == (0, 450)
    assert await rpc.stored() == [JIM | {"id": key, "_lname": None}]


async def test_r17_an_unknown_method_is_501_once_the_caller_is_known(quiet: Rpc) -> None:
    for method in ("profiles/nothing", "nothing/import", "import", "", "profiles/get_batch"):
        assert (await quiet.call(method, data=JIM)).error == 501
        assert (await quiet.call(method, token=..., data=JIM)).error == 401


async def test_r19_r20_the_profile_id_is_text_and_only_on_success(rpc: Rpc) -> None:
    added = await rpc.call("seats/add", db_id=..., data={"code": "A1"})
    assert added.body == OK | {"profile_id": "A1"}
    again = await rpc.call("seats/add", db_id=..., data={"code": "A1", "badge": 5})
    assert again.error == 409
    assert set(again.body) == {"error", "error_text"}


async def test_r21_which_format_the_answer_has(quiet: Rpc) -> None:
    wanted = {"email": "a@example.com"}
    by_header = await quiet.call("profiles/get", {"accept": "application/xml"}, **wanted)
    by_body = await quiet.call("profiles/get", format="xml", **wanted)
    wins = await quiet.call("profiles/get", {"accept": "application/xml"}, format="json", **wanted)
    assert '<error type="number">404</error>' in by_header.text
    assert by_body.text == by_header.text
    assert wins.error == 404
    for bad in ("csv", "XML", "", 0, False, [], ["xml"]):
        none = await quiet.call("profiles/get", {"accept": "application/xml"}, format=bad, **wanted)
        assert none.error == 400
    for url in ("csv", ""):
        none = await quiet.call(f"profiles/get?format={url}", **wanted)
        assert none.error == 400
    assert (await quiet.call("profiles/get", format=None, **wanted)).error == 404
    nothing = await quiet.call("profiles/get", {"accept": "text/html"}, **wanted)
    assert (nothing.status, nothing.text) == (406, "")


async def test_r22_batches(rpc: Rpc) -> None:
    good, bad = {"email": "a@example.com"}, {"email": "x"}
    strict = await rpc.call("profiles/import_batch", matching="email", data=[good, bad])
    assert strict.error == 450
    assert strict.body["error_text"] == "1 of 2 items is invalid; nothing was saved"
    first, second = strict.body["result"]
    assert first == {"error": 400, "error_text": "Valid, but not saved: other items are invalid"}
    assert (second["error"], second["error_text"][:7]) == (450, "email: ")
    assert await rpc.stored() == []
    saved = await rpc.call("profiles/import", data=[good, {"email": "b@example.com"}])
    rows = {row["email"]: row["id"] for row in await rpc.stored()}
    assert saved.body == OK | {"result": [OK | {"profile_id": key} for key in rows.values()]}
    assert list(rows) == ["a@example.com", "b@example.com"]
    one = await rpc.call("profiles/update_batch", data=[{**good, "_fname": "A"}])
    expected = OK | {"profile_id": rows["a@example.com"]}
    assert one.body == expected | {"result": [expected]}
    empty = await rpc.call("profiles/add_batch", data=[])
    assert empty.body == OK | {"result": []}
    keys = [{"profile_id": key} for key in rows.values()]
    gone = await rpc.call("profiles/delete_batch", data=keys)
    assert (gone.error, len(gone.body["result"]), await rpc.stored()) == (0, 2, [])
    assert (await rpc.call("profiles/import_batch", data=good)).error == 400


@configured(max_items=3)
async def test_r22_r24_too_many_items_are_400(quiet: Rpc) -> None:
    reply = await quiet.call("profiles/add_batch", data=[{"email": "a@example.com"}] * 4)
    assert reply.error == 400


async def test_x15_lenient_says_what_became_of_each_item(rpc: Rpc) -> None:
    items = [{"email": "a@example.com"}, {"email": "x"}, {"email": "b@example.com"}]
    reply = await rpc.call("profiles/import", {"prefer": "handling=lenient"}, data=items)
    ids = [row["id"] for row in await rpc.stored()]
    assert reply.error == 450
    assert reply.headers["Preference-Applied"] == "handling=lenient"
    assert [each.get("profile_id") for each in reply.body["result"]] == [ids[0], None, ids[1]]
    assert [each["error"] for each in reply.body["result"]] == [0, 450, 0]


@configured(max_wait=0.2)
async def test_x14_r35_an_unfinished_batch_is_500_and_named(quiet: Rpc) -> None:
    reply = await quiet.call("profiles/import", {"prefer": "respond-async"}, data=JIM)
    assert (reply.status, reply.error) == (500, 500)
    batch = reply.headers["Location"].rpartition("/")[2]
    assert batch in reply.body["error_text"]
    assert "Preference-Applied" not in reply.headers
    again = await quiet.call("profiles/import", data=JIM)
    assert again.error == 409
    assert batch in again.body["error_text"]


async def test_r26_r27_r39_limits_and_rights(rpc: Rpc, operator: Pool) -> None:
    reader = Rpc(
        rpc.client, (await create_token(operator, "acme", "r", role="reader"))[1], operator
    )
    for method in ("import", "add", "update", "delete"):
        reply = await reader.call(f"profiles/{method}", profile_id=str(uuid4()), data=JIM)
        assert (reply.status, reply.error) == (200, 403)
    assert (await reader.call("profiles/get", email="a@example.com")).error == 404
    assert await rpc.stored() == []
    await set_quota(operator, "acme", "subscribers", 1)
    assert (await rpc.call("profiles/add", data=JIM)).error == 0
    over = await rpc.call("profiles/add", data={"email": "b@example.com"})
    assert (over.status, over.error, len(await rpc.stored())) == (200, 402, 1)


@configured(rate_limit="1/hour")
async def test_r26_too_fast_is_402_with_the_status_of_http(rpc: Rpc) -> None:
    assert (await rpc.call("profiles/add", data=JIM)).error == 0
    reply = await rpc.call("profiles/add", data={"email": "b@example.com"})
    assert (reply.status, reply.error) == (429, 402)
    assert int(reply.headers["Retry-After"]) > 0
    assert len(await rpc.stored()) == 1


async def test_r28_r29_r32_not_found_taken_ambiguous(rpc: Rpc) -> None:
    for method in ("update", "delete", "get"):
        missing = await rpc.call(
            f"profiles/{method}", profile_id=str(uuid4()), data={"_fname": "A"}
        )
        assert missing.error == 404
    emails = ("a@example.com", "b@example.com", "c@example.com")
    keys = {}
    for email in emails:
        reply = await rpc.call("profiles/add", data={"email": email, "_fname": "Same"})
        keys[email] = reply.body["profile_id"]
    taken = await rpc.call(
        "profiles/update", profile_id=keys["a@example.com"], data={"email": "b@example.com"}
    )
    assert taken.error == 409
    twice = [{"email": "d@example.com"}, {"email": "d@example.com"}]
    assert (await rpc.call("profiles/add_batch", data=twice)).error == 409
    before = await rpc.stored()
    for method in ("update", "delete", "get"):
        reply = await rpc.call(
            f"profiles/{method}", matching="_fname", _fname="Same", data={"_lname": "X"}
        )
        assert reply.error == 435
    assert await rpc.stored() == before


async def test_r33_r39_of_another_group_is_441_and_not_seen(rpc: Rpc, operator: Pool) -> None:
    tokens = [(await create_token(operator, "acme", name, groups=[name]))[1] for name in ("a", "b")]
    own, other = (Rpc(rpc.client, token, operator) for token in tokens)
    key = (await own.call("profiles/add", data=JIM)).body["profile_id"]
    written = await other.call("profiles/update", profile_id=key, data={"_fname": "X"})
    read = await other.call("profiles/get", profile_id=key)
    assert (written.error, read.error) == (441, 404)
    assert [row["_fname"] for row in await rpc.stored()] == ["Jim"]


async def test_r34_the_text_names_every_field_and_reason(rpc: Rpc) -> None:
    reply = await rpc.call("profiles/add", data={"email": "x", "_status": "y"})
    assert reply.error == 450
    assert {each.partition(":")[0] for each in reply.body["error_text"].split("; ")} == {
        "email",
        "_status",
    }
    many = {f"field{number}": 1 for number in range(200)}
    long = await rpc.call("profiles/add", data=JIM | many)
    assert len(long.body["error_text"]) == 1000


async def test_r40_r41_a_repeated_modifying_request_is_refused(rpc: Rpc, operator: Pool) -> None:
    body = EXAMPLE.replace("TOKEN", rpc.token)
    first = await rpc.send("profiles/import", body)
    again = await rpc.send("profiles/import", body)
    assert (first.error, again.status, again.error) == (0, 200, 409)
    batch = again.headers["Location"].rpartition("/")[2]
    text = f"Repeated request: it was accepted as batch {batch} and is not applied again"
    assert again.body == {"error": 409, "error_text": text}
    # Neither another token of the account nor another place of the token makes it another request.
    _, other = await create_token(operator, "acme", "other")
    assert (await rpc.send("profiles/import", EXAMPLE.replace("TOKEN", other))).error == 409
    assert len(await rpc.stored()) == 1
    returned = await rpc.send("profiles/import", body, prefer="replay=return")
    assert returned.body == first.body
    # One byte makes another request, and so does a key of the client's own.
    assert (await rpc.send("profiles/import", body + " ")).error == 0
    for key in ("one", "two"):
        assert (await rpc.send("profiles/import", body, idempotency_key=key)).error == 0
    assert (await rpc.send("profiles/import", body, idempotency_key="two")).error == 409
    changed = body.replace("Jim", "Tim")
    assert (await rpc.send("profiles/import", changed, idempotency_key="two")).error == 400
    _, rival = await create_token(operator, "rival", "other")
    assert (await rpc.send("profiles/import", EXAMPLE.replace("TOKEN", rival))).error == 0


async def test_r40_only_the_value_of_the_token_does_not_count(rpc: Rpc, operator: Pool) -> None:
    _, other = await create_token(operator, "acme", "other")

    def json_of(token: str, name: str) -> dict[str, Any]:
        data = [{"email": f"{each}@example.com", "_fname": name} for each in ("a", "b")]
        return {"token": token, "data": data}

    # Items that hold the token are other items than those that hold another text in its place.
    assert (await rpc.call("profiles/import", **json_of(rpc.token, rpc.token))).error == 0
    assert (await rpc.call("profiles/import", **json_of(other, other))).error == 0
    assert (await rpc.call("profiles/import", **json_of(rpc.token, rpc.token))).error == 409
    assert (await rpc.call("profiles/import", **json_of(other, rpc.token))).error == 409

    async def xml(token: str, name: str) -> int:
        body = (
            f"<r><!-- <token> --><token>{token}</token><db_id>1</db_id>"
            f"<data><email>x@example.com</email><_fname>{name}</_fname></data></r>"
        )
        path = "profiles/import?format=json"
        return (await rpc.send(path, body, content_type="application/xml")).error

    assert [await xml(rpc.token, rpc.token), await xml(other, other)] == [0, 0]
    assert [await xml(rpc.token, other), await xml(other, rpc.token)] == [409, 409]


@configured(rpc_repeat=0.001)
async def test_r40_after_a_while_the_same_request_is_meant_again(rpc: Rpc) -> None:
    for _ in range(2):
        key = (await rpc.call("profiles/import", data=JIM)).body["profile_id"]
        assert (await rpc.call("profiles/delete", profile_id=key)).error == 0
    assert await rpc.stored() == []


async def test_r41_a_repetition_of_what_is_not_finished_is_refused(
    quiet: Rpc, committer: Committer
) -> None:
    call = asyncio.create_task(quiet.call("profiles/add", data=JIM))
    batches = "SELECT count(*) FROM ingest.batches WHERE state = 'accepted'"

    async def accepted() -> bool:
        async with quiet.operator.connection() as connection:
            return bool(await connection.fetchval(batches))

    await until(accepted)
    again = await quiet.call("profiles/add", data=JIM)
    assert again.error == 409
    async with running_worker(committer):
        assert (await call).error == 0
    assert len(await quiet.stored()) == 1


async def test_r41_a_repetition_while_the_first_is_in_flight_is_to_be_sent_later(
    quiet: Rpc, committer: Committer
) -> None:
    async with quiet.operator.connection() as connection:
        holding = connection.transaction()
        await holding.start()
        await connection.execute("LOCK TABLE ingest.batches IN SHARE MODE")  # reads pass
        first = asyncio.create_task(quiet.call("profiles/add", data=JIM))
        await until(lambda: writers_wait(quiet.operator))
        same = await quiet.call("profiles/add", data=JIM)
        await holding.rollback()
    assert (same.status, same.error) == (503, 500)
    assert int(same.headers["Retry-After"]) > 0
    assert "profile_id" not in same.body
    async with running_worker(committer):
        assert (await first).error == 0
        assert (await quiet.call("profiles/add", data=JIM)).error == 409
    assert len(await quiet.stored()) == 1


async def test_r38_no_request_makes_a_token(quiet: Rpc) -> None:
    async with quiet.operator.connection() as connection:
        before = await connection.fetchval("SELECT count(*) FROM ingest.tokens")
        asked = 0
        for method in ("tokens/create", "tokens/add", "token/import", "profiles/token", "tokens"):
            assert (await quiet.call(method, data={"name": "x"})).error == 501, method
            asked += 1
        for route in quiet.client.app.router.routes():  # type: ignore[union-attr]
            path = route.resource.canonical if route.resource is not None else ""
            url = path.replace("{", "").replace("}", "") if "{" in path else path
            headers = {"Authorization": f"Bearer {quiet.token}"}
            body = {"account": "acme", "name": "x", "role": "admin"}
            async with quiet.client.request(route.method, url, json=body, headers=headers) as reply:
                await reply.read()
            asked += 1
        assert asked > 20
        assert await connection.fetchval("SELECT count(*) FROM ingest.tokens") == before == 1


async def test_r42_after_a_lost_connection_the_same_request_makes_no_second_profile(
    rpc: Rpc,
) -> None:
    body = EXAMPLE.replace("TOKEN", rpc.token).encode()
    head = (
        "POST /api/v1.1/profiles/add HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    server = rpc.client.server
    _, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(head.encode() + body)
    await writer.drain()
    writer.transport.abort()
    again = await rpc.send("profiles/add", body)
    assert again.error in (0, 409, 500)

    async def saved() -> bool:
        return (
            await rpc.send(
                "profiles/get", json.dumps({"token": rpc.token, "db_id": 1, "email": JIM["email"]})
            )
        ).error == 0

    await until(saved)
    assert (await rpc.send("profiles/add", body)).error == 409
    assert len(await rpc.stored()) == 1


async def test_r42_what_was_refused_is_not_remembered(rpc: Rpc) -> None:
    taken = await rpc.call("profiles/add", data=JIM)
    for _ in range(2):
        assert (await rpc.call("profiles/add", data={"email": "x"})).error == 450
        assert (await rpc.call("profiles/add", data=JIM | {"_status": 5})).error == 409
    await rpc.call("profiles/delete", profile_id=taken.body["profile_id"])
    assert (await rpc.call("profiles/add", data=JIM | {"_status": 5})).error == 0


async def test_r43_reading_twice_is_fine(rpc: Rpc) -> None:
    await rpc.call("profiles/add", data=JIM)
    replies = [await rpc.call("profiles/get", email=JIM["email"]) for _ in range(2)]
    assert replies[0].body == replies[1].body
    assert replies[0].error == 0


async def test_r09_the_token_is_kept_nowhere(
    rpc: Rpc, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for data in (JIM, {"email": "x"}, "text"):
        for token in ("", f"?token={rpc.token}"):
            await rpc.call(f"profiles/import{token}", data=data)
    for matching in ("token", "data"):
        assert (await rpc.call("profiles/import", matching=matching, data=JIM)).error == 400
    xml = XML.format(token=rpc.token, email="x")
    await rpc.send("profiles/import", xml, content_type="application/xml")
    kept = [caplog.text, *capsys.readouterr()]
    async with rpc.operator.connection() as connection:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
            "WHERE schemaname IN ('ingest', 'collections', 'images')"
        )
        for table in tables:
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table['name']} t")
            kept += [row["row"] for row in rows]
    secret = rpc.token.rpartition("_")[2]
    assert any(JIM["email"] in each for each in kept)
    assert not [each for each in kept if secret in each or secret.encode().hex() in each]


async def test_x03_accept_wins_over_the_path(rpc: Rpc) -> None:
    accept = {"accept": "application/json; dialect=data"}
    reply = await rpc.call("profiles/add", accept, data=JIM)
    [row] = await rpc.stored()
    assert (reply.status, reply.body) == (201, {"data": row})


@configured(idempotency_required=True)
async def test_r40_the_automatic_key_is_one(rpc: Rpc) -> None:
    assert (await rpc.call("profiles/add", data=JIM)).error == 0


async def test_r09_a_compressed_body_is_read_within_the_same_bounds(rpc: Rpc) -> None:
    long = EXAMPLE.replace("TOKEN", rpc.token) + " " * 1024 * 1024
    bomb = await rpc.send("profiles/add", gzip.compress(long.encode()), content_encoding="gzip")
    assert bomb.error == 400
    short = gzip.compress(EXAMPLE.replace("TOKEN", rpc.token).encode())
    reply = await rpc.send("profiles/add", short, content_encoding="gzip")
    assert (reply.error, len(await rpc.stored())) == (0, 1)


async def test_r40_r41_of_the_same_request_many_times_at_once_one_is_accepted(rpc: Rpc) -> None:
    replies = await asyncio.gather(*(rpc.call("profiles/add", data=JIM) for _ in range(10)))
    assert sorted(reply.error for reply in replies)[0] == 0
    for reply in replies:
        if reply.error == 500:
            assert reply.status == 503
            assert reply.headers["Retry-After"] in "123"  # what is left of a lease
        else:
            assert (reply.status, reply.error) in [(200, 0), (200, 409)]
    assert [reply.error for reply in replies].count(0) == 1
    assert len(await rpc.stored()) == 1
