"""Document 004 over HTTP, on real servers: statuses, shapes, what is stored."""

import asyncio
import re
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from ingest.store.tokens import create_token, revoke_token
from tests.api.shared import (
    ANN,
    BAD,
    JIM,
    NOTHING,
    configured,
    contact,
    send,
    stored,
    writers_wait,
    written,
)
from tests.harness import Reply, Service
from tests.waiting import until

MISSING = "01a2b3c4-0000-7000-8000-000000000000"
DATA = "application/json; dialect=data"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
Row = dict[str, Any]


@pytest.fixture
async def silent(api: Service, operator: Pool) -> Service:
    """A client whose token is of the dialect, and no worker."""
    _, token = await create_token(operator, "acme", "tests", dialect="data")
    return Service(api.client, token)


@pytest.fixture
async def data(silent: Service, worker: None) -> Service:
    return silent


async def _row(operator: Pool, key: str) -> Row:
    """A stored contact."""
    async with operator.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM collections.contacts WHERE id = $1", key)
    return dict(row)


def _sent(item: Row) -> Row:
    """A shown item without the fields that hold nothing."""
    return {name: value for name, value in item.items() if value is not None}


def _refused(reply: Reply, status: int, code: int) -> None:
    assert (reply.status, reply.body["data"]) == (status, None)
    assert reply.body["error"]["code"] == code
    assert reply.body["error"].keys() >= {"type", "code", "name", "message"}


async def test_x01_the_dialect_is_chosen_by_accept(service: Service) -> None:
    for accept in (DATA, "*/*;Dialect=DATA", "application/json;q=0.5; dialect=data"):
        reply = await service.get("contacts", accept=accept)
        assert reply.body == {"data": [], "pagination": {"total": 0, "limit": 100, "offset": 0}}
        assert reply.headers["Content-Type"].partition(";")[0] == "application/json"
        assert "dialect" not in reply.headers["Content-Type"]
    assert "pagination" not in (await service.get("contacts")).body


async def test_d01_d02_put_of_a_collection_changes_what_is_sent_alone(
    data: Service, operator: Pool
) -> None:
    saved = (await data.post("contacts", [JIM, ANN])).body["data"]
    before = [await _row(operator, each["id"]) for each in saved]
    items = [{"id": saved[0]["id"], "first_name": "Bo"}, {"id": saved[1]["id"], "age": 42}]
    reply = await data.request("PUT", "/v1/contacts", items)
    assert reply.status == 200
    assert [each["first_name"] for each in reply.body["data"]] == ["Bo", "Ann"]
    after = [await _row(operator, each["id"]) for each in saved]
    for index, (name, value) in enumerate([("first_name", "Bo"), ("age", 42)]):
        changed = {key for key in after[index] if after[index][key] != before[index][key]}
        own = {key for key in changed if key in saved[index]}
        assert own == {name}
        assert after[index][name] == value


async def test_d01_put_finds_items_by_another_field(data: Service) -> None:
    await data.post("contacts", JIM)
    change = {"email": JIM["email"], "age": 50}
    reply = await data.request("PUT", "/v1/contacts?matching=email", change)
    assert (reply.status, reply.body["data"]["age"]) == (200, 50)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_d01_d02_one_object_is_changed_at_its_own_path(
    data: Service, operator: Pool, method: str
) -> None:
    saved = (await data.post("contacts", ANN)).body["data"]
    reply = await data.request(method, f"/v1/contacts/{saved['id']}", {"first_name": "Bo"})
    assert (reply.status, reply.body) == (200, {"data": {**saved, "first_name": "Bo"}})
    row = await _row(operator, saved["id"])
    assert (row["first_name"], row["email"], row["age"]) == ("Bo", ANN["email"], 41)
    assert (await data.get(f"contacts/{saved['id']}")).body == reply.body
    whole = await data.request(method, f"/v1/contacts/{saved['id']}", _sent(reply.body["data"]))
    assert (whole.status, whole.body) == (200, reply.body)
    extension = await data.request(method, f"/v1/contacts/{saved['id']}.json", {"age": 1})
    assert extension.body["data"]["age"] == 1


async def test_d01_a_key_in_the_path_is_of_the_key_s_own_type(service: Service) -> None:
    await service.post("everything", [{"code": 7, "the text": "old"}])
    reply = await service.request("PUT", "/v1/everything/7", {"the text": "new"}, accept=DATA)
    assert (reply.status, reply.body["data"]["the text"]) == (200, "new")
    assert (await service.request("DELETE", "/v1/everything/7", accept=DATA)).status == 200
    assert await service.count("everything") == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_d01_the_path_names_one_item(data: Service, operator: Pool, method: str) -> None:
    saved = (await data.post("contacts", JIM)).body["data"]
    path = f"/v1/contacts/{saved['id']}"
    for body in ([{"age": 1}], [], {"id": MISSING, "age": 1}):
        _refused(await data.request(method, path, body), 400, 40001)
    _refused(await data.request(method, path), 400, 40001)
    _refused(await data.request(method, f"{path}?matching=email", {"age": 1}), 400, 40002)
    lines = await data.request(method, path, data=b'{"age":1}', content_type="application/x-ndjson")
    _refused(lines, 400, 41501)
    assert (await _row(operator, saved["id"]))["age"] is None


async def test_d01_a_key_in_another_form_is_the_same_key(data: Service) -> None:
    saved = (await data.post("contacts", ANN)).body["data"]
    path = f"/v1/contacts/{saved['id'].upper()}"
    for key in (saved["id"], saved["id"].upper()):
        reply = await data.request("PUT", path, {"id": key, "age": 1})
        assert (reply.status, reply.body["data"]) == (200, {**saved, "age": 1})
    for other in (MISSING, None, 5, [saved["id"]]):
        _refused(await data.request("PUT", path, {"id": other, "age": 2}), 400, 40001)


async def test_d01_other_dialects_have_no_put(service: Service, operator: Pool) -> None:
    saved = (await service.post("contacts", JIM)).body["data"][0]
    collection, item = "/v1/contacts", f"/v1/contacts/{saved['id']}"
    for path, allowed in [(collection, "DELETE, GET, HEAD, PATCH, POST"), (item, "GET, HEAD")]:
        for accept in ("*/*", "application/json; dialect=collection"):
            reply = await service.request("PUT", path, {**saved, "age": 1}, accept=accept)
            assert (reply.status, reply.error[0]) == (405, 40501)
            assert reply.headers["Allow"] == allowed
    assert (await service.request("PUT", collection, [], token="x")).status == 405
    assert (await service.request("DELETE", item)).status == 405
    assert (await _row(operator, saved["id"]))["age"] is None


async def test_d01_d17_a_method_that_no_path_has_is_a_bad_request(data: Service) -> None:
    for path, allowed in [
        ("/v1/contacts", "DELETE, GET, HEAD, PATCH, POST, PUT"),
        ("/v1/contacts/x", "DELETE, GET, HEAD, PATCH, PUT"),
        ("/v1/batches", "GET, HEAD"),
    ]:
        reply = await data.request("TRACE", path)
        _refused(reply, 400, 40501)
        assert reply.headers["Allow"] == allowed


async def test_d03_put_of_a_missing_key_creates_nothing(data: Service, operator: Pool) -> None:
    for path, items in [
        ("/v1/contacts", {"id": MISSING, **JIM}),
        ("/v1/contacts", [{"id": MISSING, **JIM}]),
        (f"/v1/contacts/{MISSING}", JIM),
    ]:
        _refused(await data.request("PUT", path, items), 400, 40403)
    _refused(await data.request("PUT", "/v1/contacts/nonsense", JIM), 400, 42204)
    assert await stored(operator, "collections.contacts") == 0


async def test_d05_d06_meta_is_shown_where_it_is_selected(data: Service) -> None:
    written_ = await data.post("contacts?select=meta", JIM)
    saved = written_.body["data"]
    times = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
    shown = [
        saved,
        (await data.get("contacts?select=meta")).body["data"][0],
        (await data.get(f"contacts/{saved['id']}?select=meta")).body["data"],
    ]
    for each in shown:
        assert times.fullmatch(each["meta"]["createdAt"])
        assert times.fullmatch(each["meta"]["updatedAt"])
    for query in ("", "?select=-meta", "?select="):
        assert "meta" not in (await data.get(f"contacts{query}")).body["data"][0]
        assert "meta" not in (await data.get(f"contacts/{saved['id']}{query}")).body["data"]
    _refused(await data.get("contacts?select=nothing"), 400, 40002)


async def test_d06_d07_fields_are_left_out_of_every_answer(data: Service) -> None:
    saved = (await data.post("contacts?select=-email,-age", JIM)).body["data"]
    path = f"contacts/{saved['id']}?select=%20-email%20,-age,-meta,"
    change = {"last_name": "Berg"}
    shown = [
        saved,
        (await data.get("contacts?select=-email,-age")).body["data"][0],
        (await data.get(path)).body["data"],
        (await data.request("PUT", f"/v1/{path}", change)).body["data"],
        (await data.request("DELETE", f"/v1/{path}")).body["data"],
    ]
    for each in shown:
        assert each["first_name"] == JIM["first_name"]
        assert not {"email", "age", "meta"} & each.keys()
    await data.post("contacts", JIM)
    for query, there in [("meta,-meta", False), ("-meta,meta", True)]:
        [item] = (await data.get(f"contacts?select={query}")).body["data"]
        assert ("meta" in item) is there
    _refused(await data.get("contacts?select=nothing,meta"), 400, 40002)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_d08_an_object_is_answered_with_an_object_and_an_array_with_an_array(
    data: Service, method: str
) -> None:
    items: list[Any] = [JIM, ANN]
    if method != "POST":
        items = [_sent(each) for each in (await data.post("contacts", items)).body["data"]]
    one = await data.request(method, "/v1/contacts", items[0])
    assert one.body.keys() == {"data"}
    assert one.body["data"]["email"] == JIM["email"]
    many = await data.request(method, "/v1/contacts", items[1:])
    assert [each["email"] for each in many.body["data"]] == [ANN["email"]]
    assert (await data.request(method, "/v1/contacts", [])).body == {"data": []}


@pytest.mark.parametrize(
    ("content_type", "one", "many"),
    [
        (
            "application/xml",
            '<contact type="object"><email>a@example.com</email>'
            "<first_name>A</first_name><age>41</age></contact>",
            "<contacts><item><email>b@example.com</email><first_name>B</first_name></item>"
            "</contacts>",
        ),
        (
            "application/yaml",
            "email: a@example.com\nfirst_name: A\nage: 41\n",
            "- email: b@example.com\n  first_name: B\n",
        ),
        (
            "application/x-ndjson",
            None,
            '{"email": "b@example.com", "first_name": "B"}\n',
        ),
        ("text/csv", None, "email,first_name\nb@example.com,B\n"),
    ],
    ids=["xml", "yaml", "ndjson", "csv"],
)
async def test_d08_every_format_says_whether_it_is_one_object(
    data: Service, content_type: str, one: str | None, many: str
) -> None:
    if one is not None:
        reply = await send(data, "contacts", one, content_type=content_type)
        assert (reply.status, reply.body["data"]["age"]) == (201, 41)
    reply = await send(data, "contacts", many, content_type=content_type)
    assert (reply.status, [each["first_name"] for each in reply.body["data"]]) == (201, ["B"])


async def test_d08_nothing_to_show_is_null(data: Service, operator: Pool) -> None:
    for items in (JIM, [ANN]):
        reply = await data.post("contacts", items, prefer="return=minimal")
        assert (reply.status, reply.body) == (201, {"data": None})
    assert await stored(operator, "collections.contacts") == 2


async def test_d09_d10_d11_a_list_is_paged(data: Service) -> None:
    await data.post("contacts", [contact(number) for number in range(1005)])
    page = await data.get("contacts", params={"limit": 1000})
    assert page.status == 200
    assert len(page.body["data"]) == 1000
    assert page.body["pagination"] == {"total": 1005, "limit": 1000, "offset": 0}
    rest = await data.get("contacts", params={"limit": 1000, "offset": 1000})
    assert rest.body["pagination"] == {"total": 1005, "limit": 1000, "offset": 1000}
    assert len({each["id"] for each in page.body["data"] + rest.body["data"]}) == 1005
    beyond = await data.get("contacts", params={"offset": 5000})
    assert beyond.body == {"data": [], "pagination": {"total": 1005, "limit": 100, "offset": 5000}}
    default = await data.get("contacts")
    assert len(default.body["data"]) == 100
    _refused(await data.get("contacts", params={"limit": 1001}), 400, 40002)
    filtered = await data.get("contacts", params={"email": "c7@example.com"})
    assert filtered.body["pagination"]["total"] == 1
    key = default.body["data"][0]["id"]
    assert (await data.get(f"contacts/{key}")).body == {"data": default.body["data"][0]}


async def test_d12_d13_the_statuses_of_success(data: Service) -> None:
    replies = [
        await data.post("contacts", JIM),
        await data.post("contacts", []),
        await data.post("contacts?matching=email", JIM, prefer="resolution=merge-duplicates"),
        await data.post("contacts?matching=email", JIM, prefer="resolution=ignore-duplicates"),
        await data.get("contacts"),
        await data.request("PUT", "/v1/contacts", []),
        await data.patch("contacts", []),
        await data.delete("contacts", []),
        await data.request("POST", "/v1/contacts:delete", []),
    ]
    assert [reply.status for reply in replies] == [201, 201, 201, 201, 200, 200, 200, 200, 200]


async def test_d14_d15_x08_without_a_token_and_with_a_wrong_one(
    api: Service, operator: Pool
) -> None:
    for method, path in [("GET", "contacts"), ("PUT", "contacts"), ("PUT", "contacts/x")]:
        headers = {"Accept": DATA}
        async with api.client.request(method, f"/v1/{path}", headers=headers) as response:
            body = await response.json()
            assert (response.status, body["data"]) == (401, None)
            assert body["error"]["code"] == 40101
            assert response.headers["WWW-Authenticate"] == "Bearer"
        wrong = await api.request(method, f"/v1/{path}", accept=DATA, token="ingest_wrong")
        _refused(wrong, 403, 40102)
    token_id, token = await create_token(operator, "acme", "old", dialect="data")
    await revoke_token(operator, token_id)
    _refused(await api.get("contacts", accept=DATA, token=token), 403, 40102)
    assert (await api.get("contacts", token=token)).status == 401  # the default: it is not known


async def test_d15_d18_what_a_token_may_not_do(data: Service, operator: Pool) -> None:
    _, token = await create_token(operator, "acme", "reader", role="reader", dialect="data")
    _refused(await data.post("contacts", JIM, token=token), 403, 40301)
    _refused(await data.request("PUT", "/v1/contacts", [], token=token), 403, 40301)
    path = f"/v1/contacts/{MISSING}"
    _refused(await data.request("DELETE", path, token=token), 403, 40301)
    await set_quota(operator, "acme", "contacts", 1)
    _refused(await data.post("contacts", [JIM, ANN]), 403, 40302)
    assert await stored(operator, "collections.contacts") == 0


async def test_d18_an_item_of_another_group(data: Service, operator: Pool) -> None:
    _, one = await create_token(operator, "acme", "one", groups=["one"], dialect="data")
    _, two = await create_token(operator, "acme", "two", groups=["two"], dialect="data")
    saved = (await data.post("contacts", JIM, token=one)).body["data"]
    items = [{"id": saved["id"], "email": JIM["email"], "age": 5}]
    reply = await data.request("PUT", "/v1/contacts", items, token=two)
    assert reply.body["data"] is None
    codes = {each["code"] for failure in reply.body["failures"] for each in failure["errors"]}
    assert (reply.status, codes) == (403, {44101})
    assert (await _row(operator, saved["id"]))["age"] is None


@configured(rate_limit="2/minute")
async def test_d16_who_sends_too_much_is_told_when_to_go_on(data: Service, operator: Pool) -> None:
    assert (await data.post("contacts", [JIM, ANN])).status == 201
    reply = await data.post("contacts", contact(1))
    _refused(reply, 429, 42901)
    assert int(reply.headers["Retry-After"]) >= 1
    assert await stored(operator, "collections.contacts") == 2


async def test_d16_a_request_in_flight_is_to_be_sent_again_later(
    silent: Service, operator: Pool
) -> None:
    keyed = {"idempotency_key": "k", "prefer": "wait=0"}
    async with operator.connection() as connection:
        holding = connection.transaction()
        await holding.start()
        await connection.execute("LOCK TABLE ingest.batches IN SHARE MODE")  # reads pass
        first = asyncio.create_task(silent.post("contacts", JIM, **keyed))
        await until(lambda: writers_wait(operator))
        same = await silent.post("contacts", JIM, **keyed)
        await holding.rollback()
    _refused(same, 429, 40902)
    assert int(same.headers["Retry-After"]) > 0
    assert (await first).status == 202
    assert await stored(operator, "ingest.batches") == 1


@configured(max_backlog_items=10)
async def test_d16_a_backlog_is_waited_for(silent: Service, operator: Pool) -> None:
    accepted = 0
    async with asyncio.timeout(60):
        while True:
            items = [contact(number) for number in range(accepted, accepted + 5)]
            reply = await silent.post("contacts", items, prefer="respond-async")
            if reply.status != 202:
                break
            accepted += 5
    _refused(reply, 429, 50301)
    assert int(reply.headers["Retry-After"]) > 0
    assert await stored(operator, "ingest.batches") == accepted // 5


async def _bad_requests(data: Service) -> list[tuple[Reply, int]]:
    saved = (await data.post("contacts", [JIM, ANN])).body["data"]
    taken = {"id": saved[0]["id"], "email": ANN["email"]}
    stale = {"id": saved[0]["id"], "age": 3, "meta": {"version": 99}}
    keyed = {"idempotency_key": "k"}
    await data.post("contacts", contact(9), **keyed)
    return [
        (await send(data, "contacts", "{"), 40001),
        (await data.request("POST", "/v1/contacts"), 40001),
        (await data.get("contacts?nothing=1"), 40002),
        (await data.post("contacts", JIM, idempotency_key="a b"), 40004),
        (await data.get("nothing"), 40402),
        (await data.get("contacts/a/b"), 40401),
        (await data.get(f"contacts/{MISSING}"), 40403),
        (await data.get(f"batches/{MISSING}"), 40404),
        (await data.post("contacts", contact(9), **keyed), 40901),
        (await data.post("contacts", contact(8), **keyed), 42220),
        (await send(data, "contacts", "x", content_type="image/png"), 41501),
        (await data.post("contacts", JIM, content_encoding="br"), 41502),
        (await data.post("contacts", [BAD]), 42204),
        (await data.post("contacts", JIM), 40903),
        (await data.post("contacts", [contact(1), contact(1)]), 40904),
        (await data.request("PUT", "/v1/contacts", taken), 40903),
        (await data.request("PUT", "/v1/contacts", stale), 41201),
        (await data.delete("contacts", [MISSING]), 40403),
    ]


async def test_d17_d20_d21_x08_bad_requests(data: Service, operator: Pool) -> None:
    for reply, code in await _bad_requests(data):
        _refused(reply, 400, code)
    assert await stored(operator, "collections.contacts") == 3


@configured(max_body=200, max_items=2)
async def test_d17_what_is_too_large(data: Service, operator: Pool) -> None:
    _refused(await data.post("contacts", [contact(1, company="x" * 300)]), 400, 41301)
    _refused(await data.request("PUT", "/v1/contacts", [1, 2, 3]), 400, 41302)
    assert await written(operator) == NOTHING


async def test_d21_the_example_of_two_items(data: Service, operator: Pool) -> None:
    reply = await data.post("contacts", [{"email": "x"}, {**JIM}])
    _refused(reply, 400, 42204)
    assert reply.body["error"] == {
        "type": "validation",
        "code": 42204,
        "name": "bad_format",
        "message": "1 of 2 items is invalid; nothing was saved",
    }
    metadata = reply.body["metadata"]
    assert (metadata["receivedItemsCount"], metadata["validItems"]) == (2, [1])
    assert reply.codes == {0: [(42204, "email"), (42201, "first_name")]}
    assert await stored(operator, "collections.contacts") == 0


async def test_d22_every_answer_has_the_trace_id_of_its_log_line(data: Service) -> None:
    requests: list[tuple[str, str, Any, dict[str, Any]]] = [
        ("POST", "contacts", JIM, {}),
        ("HEAD", "contacts", None, {}),
        ("TRACE", "contacts", None, {}),
        ("PUT", "contacts", BAD, {}),
        ("GET", "contacts", None, {"accept": "image/png"}),
        ("GET", "contacts", None, {"token": "wrong", "accept": DATA}),
        ("GET", "contacts/a/b", None, {}),
    ]
    statuses = []
    for method, path, items, options in requests:
        with capture_logs(processors=[merge_contextvars]) as lines:
            given = await data.request(method, f"/v1/{path}", items, traceparent=PARENT, **options)
        assert given.headers["X-Trace-Id"] == TRACE
        [line] = [line for line in lines if line["event"] == "request"]
        assert line["trace_id"] == TRACE
        made = await data.request(method, f"/v1/{path}", items, **options)
        assert re.fullmatch(r"[0-9a-f]{32}", made.headers["X-Trace-Id"])
        statuses.append(given.status)
    assert statuses == [201, 200, 400, 400, 406, 403, 400]


async def test_d23_delete_of_items_and_of_one_path(data: Service, operator: Pool) -> None:
    saved = (await data.post("contacts", [JIM, ANN, contact(1), contact(2)])).body["data"]
    keys = [each["id"] for each in saved]
    assert (await data.delete("contacts", keys[:1])).body == {"data": saved[:1]}
    one = await data.request("DELETE", f"/v1/contacts/{keys[1]}")
    assert (one.status, one.body) == (200, {"data": saved[1]})
    again = await data.request("DELETE", f"/v1/contacts/{keys[1]}")
    _refused(again, 400, 40403)
    typed = await data.request("DELETE", f"/v1/contacts/{keys[2]}", content_type="text/plain")
    assert (typed.status, typed.body) == (200, {"data": saved[2]})
    stale = {"meta": {"version": 9}}
    _refused(await data.request("DELETE", f"/v1/contacts/{keys[3]}", stale), 400, 41201)
    _refused(await data.request("DELETE", f"/v1/contacts/{keys[3]}", []), 400, 40001)
    assert await stored(operator, "collections.contacts") == 1
    fresh = {"meta": {"version": 1}}
    assert (await data.request("DELETE", f"/v1/contacts/{keys[3]}", fresh)).status == 200
    _refused(await data.request("DELETE", "/v1/contacts"), 400, 40001)


@configured(wait=0)
async def test_x14_an_answer_waits_longer_than_the_default_s(service: Service) -> None:
    assert (await service.post("contacts", JIM)).status == 202
    reply = await service.post("contacts", ANN, accept=DATA)
    assert (reply.status, reply.body["data"]["email"]) == (201, ANN["email"])


@configured(max_wait=0.05)
async def test_x14_what_is_not_committed_in_time_is_202(silent: Service, operator: Pool) -> None:
    for more in ({}, {"prefer": "respond-async"}):
        reply = await silent.post("contacts", JIM, **more)
        assert (reply.status, reply.body["data"]) == (202, None)
        batch = reply.body["metadata"]["batchId"]
        assert reply.headers["Location"] == f"/v1/batches/{batch}"
        shown = await silent.get(f"batches/{batch}")
        assert (shown.status, shown.body["data"]["state"]) == (200, "accepted")
    assert reply.headers["Preference-Applied"] == "respond-async"


async def test_x15_d13_lenient_saves_the_good_and_tells_the_bad(
    data: Service, operator: Pool
) -> None:
    reply = await data.post("contacts", [BAD, JIM], prefer="handling=lenient")
    assert reply.status == 201
    assert [each["email"] for each in reply.body["data"]] == [JIM["email"]]
    assert reply.body["metadata"]["invalidItems"] == [0]
    assert reply.codes == {0: [(42204, "email"), (42201, "first_name")]}
    key = reply.body["data"][0]["id"]
    items = [{"id": MISSING, "age": 1}, {"id": key, "age": 1}]
    changed = await data.request("PUT", "/v1/contacts", items, prefer="handling=lenient")
    assert (changed.status, changed.body["metadata"]["invalidItems"]) == (200, [0])
    assert (await _row(operator, key))["age"] == 1


async def test_x11_a_replay_is_answered_in_the_dialect_that_asks(service: Service) -> None:
    keyed = {"idempotency_key": "k", "prefer": "replay=return"}
    first = await service.post("contacts", JIM, **keyed)
    replay = await service.post("contacts", JIM, accept=DATA, **keyed)
    assert (replay.status, replay.body) == (201, {"data": first.body["data"][0]})
    assert replay.headers["Idempotency-Replayed"] == "true"


async def test_x11_put_is_applied_once(data: Service, operator: Pool) -> None:
    saved = (await data.post("contacts", JIM)).body["data"]
    path = f"/v1/contacts/{saved['id']}"
    keyed = {"idempotency_key": "put", "prefer": "replay=return"}
    first = await data.request("PUT", path, {"age": 1}, **keyed)
    await data.request("PUT", path, {"age": 2})
    again = await data.request("PUT", path, {"age": 1}, **keyed)
    assert (again.status, again.body) == (200, first.body)
    assert (await _row(operator, saved["id"]))["age"] == 2


async def test_x12_batches_are_read_in_the_dialect(data: Service) -> None:
    await data.post("contacts", [BAD])
    listed = await data.get("batches")
    assert listed.body["pagination"] == {"total": 1, "limit": 100, "offset": 0}
    batch = (await data.get(f"batches/{listed.body['data'][0]['id']}")).body["data"]
    assert batch["state"] == "rejected"
    assert batch["response"]["status"] == 400
    assert batch["response"]["body"]["data"] is None
    assert len(batch["failures"]) == 1


async def _read(service: Service, path: str) -> tuple[str, str]:
    """The media type and the text of an answer."""
    headers = {"Authorization": f"Bearer {service.token}"}
    async with service.client.get(f"/v1/{path}", headers=headers) as response:
        return response.headers["Content-Type"].partition(";")[0], await response.text()


async def test_x05_x09_other_formats_carry_the_same(data: Service) -> None:
    await data.post("contacts", [ANN])
    shown = (await data.get("contacts")).body
    media_type, text = await _read(data, "contacts.yaml")
    assert (media_type, yaml.safe_load(text)) == ("application/yaml", shown)
    media_type, text = await _read(data, "contacts.xml")
    document = ElementTree.fromstring(text)
    assert media_type == "application/xml"
    assert [each.tag for each in document] == ["data", "pagination"]
    item = shown["data"][0]
    found = {each.tag: each.text for each in document.iterfind("data/item/*")}
    assert (found.keys(), found["email"]) == (item.keys(), ANN["email"])
    assert document.findtext("pagination/total") == "1"
