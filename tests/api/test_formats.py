"""Bodies and answers in every format, over HTTP."""

import gzip
import json
import sys
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from ingest.store.pool import Pool
from tests.api.shared import ANN, JIM, NOTHING, READERS, configured, pieces, send, written
from tests.harness import Service

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BODIES = {
    "application/json": json.dumps([JIM, ANN]),
    "application/x-ndjson": f"{json.dumps(JIM)}\n\n{json.dumps(ANN)}\n",
    "text/csv": "email;first_name;age;tags.0;tags.1\r\njim@example.com;Jim;;;\r\n"
    "ann@example.com;Ann;41;a;b\r\n",
    "application/xml": "<contacts><contact><email>jim@example.com</email>"
    "<first_name>Jim</first_name></contact><contact><email>ann@example.com</email><first_name>Ann</first_name><age>41</age>"
    "<tags><item>a</item><item>b</item></tags></contact></contacts>",
    "application/yaml": "- {email: jim@example.com, first_name: Jim}\n- email: ann@example.com\n"
    "  first_name: Ann\n  age: 41\n  tags: [a, b]\n",
}
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "gzip, zstd": lambda body: zstd.compress(gzip.compress(body)),
}


async def fetch(
    service: Service, path: str, method: str = "GET", data: Any = None, **headers: str
) -> tuple[int, str, bytes]:
    """Status, media type and body of an answer in any format."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Authorization", f"Bearer {service.token}")
    async with service.client.request(method, path, data=data, headers=named) as response:
        assert response.headers["X-Trace-Id"]
        return response.status, response.content_type, await response.read()


@pytest.mark.parametrize("media_type", BODIES)
async def test_every_format_saves_the_same(service: Service, media_type: str) -> None:
    reply = await send(service, "contacts", BODIES[media_type], content_type=media_type)
    assert reply.status == 201, reply.body
    assert reply.body["metadata"]["validItems"] == [0, 1]
    saved = (await service.get("contacts")).body["data"]
    assert {item.pop("id") for item in saved} == {item["id"] for item in reply.body["data"]}
    found = sorted(saved, key=lambda item: item["first_name"])
    nothing = {"last_name": None, "status": None}  # the fields that may be null
    assert found == [{**ANN, **nothing}, {**JIM, **nothing}]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("media_type", BODIES)
async def test_every_format_is_decompressed(
    service: Service, media_type: str, encoding: str
) -> None:
    body = ENCODINGS[encoding](BODIES[media_type].encode())
    reply = await service.request(
        "POST", "/v1/contacts", data=body, content_type=media_type, content_encoding=encoding
    )
    assert reply.status == 201, reply.body


async def test_a_key_covers_what_is_inside_the_compression(service: Service) -> None:
    body = BODIES["application/json"].encode()
    for number, (encoding, compress) in enumerate(ENCODINGS.items()):
        reply = await service.request(
            "POST",
            "/v1/contacts",
            data=compress(body),
            content_type="application/json",
            content_encoding=encoding,
            idempotency_key="k",
            prefer="replay=return",
        )
        assert (reply.status, reply.headers.get("Idempotency-Replayed")) == (
            201,
            "true" if number else None,
        )


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_every_format_changes_and_deletes(service: Service, method: str) -> None:
    items = {
        "application/x-ndjson": '{"iata": "AAA", "city": "Rome"}\n{"iata": "BBB", "city": "Rome"}',
        "text/csv": "iata,city\nAAA,Rome\nBBB,Rome\n",
        "application/xml": "<a><b><iata>AAA</iata><city>Rome</city></b>"
        "<b><iata>BBB</iata><city>Rome</city></b></a>",
        "application/yaml": "- {iata: AAA, city: Rome}\n- {iata: BBB, city: Rome}",
    }
    for media_type, body in items.items():
        place = {"name": "n", "country": "c", "latitude": 1, "longitude": 2}
        made = await service.post("airports", [{"iata": key, **place} for key in ("AAA", "BBB")])
        assert made.status in (201, 422)
        reply = await service.request(
            method, "/v1/airports", data=body, content_type=media_type, select=""
        )
        assert reply.status == 200, (media_type, reply.body)
        assert reply.body["metadata"]["validItems"] == [0, 1]


async def test_bare_keys(service: Service) -> None:
    place = {"name": "n", "country": "c", "latitude": 1, "longitude": 2}
    bodies = {
        "application/x-ndjson": '"AAA"\n"BBB"\n',
        "application/xml": "<keys><key>AAA</key><key>BBB</key></keys>",
        "application/yaml": "[AAA, BBB]",
        "text/csv": "iata\nAAA\nBBB\n",
    }
    for media_type, body in bodies.items():
        await service.post("airports", [{"iata": key, **place} for key in ("AAA", "BBB")])
        reply = await service.request(
            "POST", "/v1/airports:delete", data=body, content_type=media_type
        )
        assert (reply.status, reply.body["metadata"]["deleted"]) == (200, 2), media_type


async def test_a_line_that_cannot_be_read_is_one_failed_item(service: Service) -> None:
    body = f'{json.dumps(JIM)}\n{{"email": \n\n[1]\n{json.dumps(ANN)}'
    reply = await send(
        service, "contacts", body, content_type="application/x-ndjson", prefer="handling=lenient"
    )
    assert reply.status == 207
    assert reply.body["metadata"]["validItems"] == [0, 3]
    assert reply.codes == {1: [(42204, None)], 2: [(42203, None)]}
    first, second = reply.body["failures"]
    assert first["rawData"] == '{"email":'
    assert "Line 2" in first["errors"][0]["description"]
    assert second["rawData"] == [1]


async def test_a_row_of_another_width_is_one_failed_item(service: Service) -> None:
    body = "email,first_name\na@example.com,A,x\nb@example.com\nc@example.com,C\n"
    reply = await send(
        service, "contacts", body, content_type="text/csv", prefer="handling=lenient"
    )
    assert reply.status == 207
    assert reply.codes == {0: [(42204, None)], 1: [(42204, None)]}
    assert [each["rawData"] for each in reply.body["failures"]] == [
        ["a@example.com", "A", "x"],
        ["b@example.com"],
    ]
    assert "Line 3" in reply.body["failures"][1]["errors"][0]["description"]


async def test_csv_parameters(service: Service) -> None:
    body = "email|first_name|last_name\na@example.com|A,B;C|\n".encode("utf-16")
    reply = await service.request(
        "POST",
        "/v1/contacts?delimiter=pipe&emptyAs=null",
        data=body,
        content_type="text/csv; charset=utf-16",
    )
    assert reply.status == 201
    assert reply.body["data"][0]["first_name"] == "A,B;C"
    body = "email\tfirst_name\nz@example.com\tZo\xeb\n".encode("cp1252")
    reply = await service.request(
        "POST",
        "/v1/contacts?delimiter=%09",
        data=body,
        content_type="text/csv;charset=windows-1252",
    )
    assert reply.body["data"][0]["first_name"] == "Zoë"


async def test_xml_parameters(service: Service) -> None:
    body = (
        "<feed><note/><all><entry><email>a@example.com</email><first_name>A</first_name><age/>"
        "</entry></all></feed>"
    )
    path = "contacts?items=feed/all/entry&emptyAs="
    reply = await send(service, path + "null", body, content_type="application/xml")
    assert (reply.status, reply.codes) == (422, {0: [(42202, "age")]})
    reply = await send(service, path + "absent", body, content_type="application/xml")
    assert reply.status == 201
    assert "age" not in reply.body["data"][0]


async def test_parameters_of_csv_are_refused_elsewhere(api: Service, operator: Pool) -> None:
    csv_type, json_type = "text/csv", "application/json"
    for query, content_type in (
        ("delimiter=x", csv_type),
        ("emptyAs=0", csv_type),
        ("delimiter=;&delimiter=;", csv_type),
        ("delimiter=;", json_type),
        ("emptyAs=null", json_type),
        ("items=a/b", csv_type),
        ("dates=DD/MM/YYYY", "application/xml"),
        ("items=", "application/xml"),
    ):
        reply = await api.request(
            "POST", f"/v1/contacts?{query}", data=BODIES[content_type], content_type=content_type
        )
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter")), query
    assert await written(operator) == NOTHING


CANNOT_BE_READ = [
    ("text/csv", b"email\ncaf\xe9", "Line 2, byte 9"),
    ("text/csv", b"email,email\n", "column 1 and 2"),
    ("text/csv", b'email\n"a', "line 2"),
    ("application/xml", b"<a><b></a>", "Line 1"),
    ("application/xml", b"<!DOCTYPE a><a/>", "DOCTYPE"),
    ("application/xml", b"<a><b x='1'/></a>", "type"),
    ("application/yaml", b"a: [", "Line 2"),
    ("application/yaml", b"a: &b 1\nc: *b", "Aliases"),
]


async def test_what_cannot_be_read_names_the_place(api: Service, operator: Pool) -> None:
    for media_type, body, place in CANNOT_BE_READ:
        reply = await api.request("POST", "/v1/contacts", data=body, content_type=media_type)
        assert (reply.status, reply.error) == (400, (40001, "malformed_body")), body
        assert place in reply.body["error"]["description"]
    assert await written(operator) == NOTHING


@pytest.mark.parametrize("media_type", [*BODIES, "application/octet-stream"])
async def test_no_body_is_told_before_its_type(
    api: Service, operator: Pool, media_type: str
) -> None:
    for data in (None, b"", pieces(), pieces(b"")):
        reply = await api.request("POST", "/v1/contacts", data=data, content_type=media_type)
        assert (reply.status, reply.error) == (400, (40001, "malformed_body"))
    async with api.client.post(
        "/v1/contacts", headers={"Authorization": f"Bearer {api.token}"}
    ) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, 40001)
    assert await written(operator) == NOTHING


async def test_what_is_supported_is_listed(api: Service) -> None:
    for media_type in ("text/plain", "application/vnd.api+json", "text/xml", "text/csv; charset=x"):
        reply = await api.request("POST", "/v1/contacts", data=b"x", content_type=media_type)
        assert (reply.status, reply.error) == (415, (41501, "unsupported_media_type")), media_type
    listed = (await api.request("POST", "/v1/contacts", data=b"x", content_type="a/b")).body
    assert all(media_type in listed["error"]["description"] for media_type in BODIES)
    reply = await api.request(
        "POST", "/v1/contacts", data=b"x", content_type="text/csv", content_encoding="br"
    )
    assert "gzip, deflate, zstd" in reply.body["error"]["description"]


@configured(max_body=2000)
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
async def test_the_decompressed_size_decides(service: Service, encoding: str) -> None:
    for size, status in ((2000, 201), (2001, 413)):
        body = ENCODINGS[encoding](BODIES["application/json"].encode().ljust(size))
        for data in (body, pieces(body[:10], body[10:])):
            reply = await service.request(
                "POST",
                "/v1/contacts:delete" if status == 201 else "/v1/contacts",
                data=data,
                content_type="application/json",
                content_encoding=encoding,
                prefer="respond-async",
            )
            assert (reply.status == 413) == (status == 413), reply.body
    garbage = await service.request(
        "POST",
        "/v1/contacts",
        data=b"[{}]",
        content_encoding=encoding,
        content_type="application/json",
    )
    assert (garbage.status, garbage.error) == (400, (40001, "malformed_body"))


@pytest.mark.parametrize("media_type", READERS)
async def test_answers_have_the_format_that_is_asked_for(service: Service, media_type: str) -> None:
    extension = media_type.partition("/")[2]
    body = json.dumps([JIM, {"email": "x", "tags": ["a"], "last_name": None}])
    for path, accept in (("/v1/contacts", media_type), (f"/v1/contacts.{extension}", "text/plain")):
        status, answered, content = await fetch(
            service, path, "POST", body, Accept=accept, Content_Type="application/json"
        )
        assert (status, answered) == (422, media_type)
        document = READERS[media_type](content)
        assert str(document["failures"][0]["errors"][0]["code"]) == "42204"
        assert document["failures"][0]["rawData"]["tags"] == ["a"]
    made = await service.post("contacts", [JIM])
    (item,), batch = made.body["data"], made.body["metadata"]["batchId"]
    for path in (
        f"contacts.{extension}",
        f"contacts/{item['id']}.{extension}",
        f"batches.{extension}",
        f"batches/{batch}.{extension}",
    ):
        status, answered, content = await fetch(service, f"/v1/{path}")
        assert (status, answered) == (200, media_type), path
        assert READERS[media_type](content)["result"] == "success"
    for method, path, wanted in (
        ("GET", f"/v1/contacts.{extension}?x=1", 400),
        ("GET", f"/v1/contacts/{batch}.{extension}", 404),
        ("GET", f"/v1/batches/x.{extension}", 404),
        ("POST", f"/v1/contacts:delete.{extension}", 400),
        ("POST", f"/v1/contacts.{extension}:delete", 400),
    ):
        status, answered, content = await fetch(service, path, method)
        assert (status, answered) == (wanted, media_type), path
        assert READERS[media_type](content)["result"] == "error"
    for path, headers, wanted in (
        ("/v1/contacts", {"Authorization": "Bearer x"}, 401),
        ("/v1/a/b/c", {}, 404),
    ):
        status, answered, _ = await fetch(service, path, Accept=media_type, **headers)
        assert (status, answered) == (wanted, media_type)


async def test_an_extension_that_there_is_not_gets_no_body(api: Service, operator: Pool) -> None:
    for method, path in (
        ("GET", "contacts.pdf"),
        ("POST", "contacts.csv"),
        ("GET", "contacts."),
        ("GET", "contacts.json.xml"),
        ("PATCH", "contacts.a:b"),
        ("GET", "batches.csv"),
        ("GET", "batches/0191d7a0-0000-7000-8000-000000000001.html"),
        ("GET", "batches/0191d7a0-0000-7000-8000-000000000001/failures.xml"),
    ):
        status, _, body = await fetch(api, f"/v1/{path}", method)
        assert (status, body) == (406, b""), path
    assert await written(operator) == NOTHING


async def test_a_key_may_have_dots(service: Service) -> None:
    for key in ("jim@example.com", "a.pdf", "v1.2", ".json", "x.json"):
        assert (await service.post("people", [{"name": key}])).status == 201
        path = key if key != "x.json" else "x.json.yaml"
        status, _, body = await fetch(service, f"/v1/people/{path}")
        assert (status, key.encode() in body) == (200, True), key
        if key not in (".json", "x.json"):
            status, answered, _ = await fetch(service, f"/v1/people/{key}.xml")
            assert (status, answered) == (200, "application/xml")
    # No key: these are the JSON Schema, which is JSON.
    for path, expected in (("schema", 200), ("schema.json", 200), ("schema.xml", 406)):
        status, _, body = await fetch(service, f"/v1/people/{path}")
        assert (status, b"$schema" in body) == (expected, expected == 200)


async def test_numbers_keep_their_digits_in_every_format(service: Service) -> None:
    number = "1234567890.12345678901234567890"
    bodies = {
        "application/x-ndjson": f'{{"code": 1, "decimal": {number}}}',
        "text/csv": f"code,decimal\n2,{number}\n",
        "application/xml": f"<e><i><code>3</code><decimal>{number}</decimal></i></e>",
        "application/yaml": f"- {{code: 4, decimal: {number}}}",
    }
    for media_type, body in bodies.items():
        assert (await send(service, "everything", body, content_type=media_type)).status == 201
    for extension in ("json", "xml", "yaml"):
        _, _, body = await fetch(service, f"/v1/everything.{extension}")
        assert body.count(number.encode()) == 4, extension
