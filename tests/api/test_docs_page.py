"""GET /docs: each collection, its fields, its commands, and the errors that it can give."""

import dataclasses
import html
import re

from aiohttp.test_utils import TestClient
from marshmallow import Schema, fields, validate

from ingest import Resource
from ingest.app import create_app
from ingest.errors import INVALID_ITEMS, ITEM_CODES, request_errors
from ingest.http.service import SERVICE
from ingest.settings import Settings
from tests.api.conftest import Server
from tests.api.declared import serving
from tests.api.shared import configured
from tests.api.test_error_pages import check_headers
from tests.harness import REGISTRY, Service

NAMES = {code.name for code in (*request_errors(), *ITEM_CODES.values())} | {INVALID_ITEMS}
EVIL = "<img src=x onerror=alert(1)>"


async def collections(api: Service) -> dict[str, str]:
    """What `/docs` says of each collection."""
    async with api.client.get("/docs") as response:
        page = await response.text()
    assert response.status == 200
    check_headers(response)
    assert "<script" not in page
    _, *parts = re.split(r'<section id="([^"]+)"', page)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def names(section: str) -> set[str]:
    return set(re.findall(r'href="/docs/errors/([a-z_]+)"', section))


def text_of(part: str) -> str:
    part = re.sub(r"</(?:strong|p)>", " ", part)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", "", part).split()))


def rules(section: str) -> dict[str, str]:
    """The rules of each field, by its path."""
    table = section.partition("<table")[2].partition("</table>")[0]
    rows = re.findall(r"<th scope=\"row\"><code>(.+?)</code>.*?<td>(.*?)</td>", table, re.DOTALL)
    return {text_of(path): text_of(said) for path, said in rows}


async def test_r11_each_collection_has_its_numbers(api: Service) -> None:
    shown = await collections(api)
    databases = api.app[SERVICE].registry.databases
    assert shown.keys() == {resource.name for resource in databases.values()}
    for number, resource in databases.items():
        listed = ", ".join(map(str, resource.rpc_resources))
        assert f"db_id {number}, resource_id {listed}<" in shown[resource.name]


async def test_s23_each_collection_has_the_errors_that_it_can_give(api: Service) -> None:
    shown = await collections(api)
    everything, loose, seats = (names(shown[name]) for name in ("everything", "loose", "seats"))
    elsewhere = {"unknown_batch", "unknown_collection", "unknown_endpoint", INVALID_ITEMS}
    assert everything == NAMES - elsewhere - {"idempotency_key_required"}
    # One text, which is the key, beside whatever else is sent.
    lacking = {"out_of_range", "not_a_choice", "unknown_field", "ambiguous_match"}
    assert loose == everything - lacking
    assert seats == everything - {"not_a_choice"}
    assert "idempotency_key_required" in names(shown["guarded"])
    assert "<code>badge</code>; <code>row, place</code>" in shown["seats"]


@configured(idempotency_required=True)
async def test_s23_settings_count_too(api: Service) -> None:
    assert all(
        "idempotency_key_required" in names(section)
        for section in (await collections(api)).values()
    )


async def test_the_rules_of_each_field_are_said(api: Service) -> None:
    contacts = rules((await collections(api))["contacts"])
    assert contacts["age"] == (
        "A whole number of at most 64 bits; a fraction is refused. At least 0 and at most 150."
    )
    assert contacts["status"] == ("One of: lead, prospect, customer, former. May be null.")
    assert contacts["tags.*"] == "Text. 1 to 50 characters."


async def test_an_error_of_an_item_says_where_and_what_to_do(api: Service) -> None:
    section = (await collections(api))["contacts"]
    _, row = section.rsplit('<a href="/docs/errors/bad_length">', 1)
    said = text_of(row.partition("</tr>")[0])
    assert "The text or the list is too short or too long." in said
    assert "Send a value of the length that the message names." in said
    assert said.endswith("email, first_name, last_name, company, country, tags.*")


async def test_a_page_that_is_known_is_not_sent_again(api: Service) -> None:
    async with api.client.get("/docs") as response:
        tag, body = response.headers["ETag"], await response.read()
        assert response.headers["Cache-Control"] == "private, no-cache"
    async with api.client.get("/docs", headers={"If-None-Match": tag}) as response:
        assert (response.status, await response.read()) == (304, b"")
        assert response.headers["ETag"] == tag
    async with api.client.get(
        "/docs", headers={"If-None-Match": tag, "Host": "api.example.com"}
    ) as response:
        assert response.status == 200
        assert b"https://service.invalid" not in await response.read()
    assert b"https://service.invalid" not in body


@configured(public_url="https://api.example.com/&")
async def test_commands_ask_at_the_public_url(api: Service) -> None:
    shown = text_of((await collections(api))["contacts"])
    assert "curl -sS 'https://api.example.com/&/v1/contacts?limit=10'" in shown
    assert str(api.client.make_url("/")) not in shown


class Line(Schema):
    sku = fields.String(metadata={"title": f"Title {EVIL}", "description": f"As printed {EVIL}"})


class Hostile(Schema):
    """Documented <b>in HTML</b>."""

    number = fields.String(validate=validate.Regexp("<i>", error="Write <i>"))
    channel = fields.String(validate=validate.OneOf([EVIL, "'; rm -rf /"]), load_default=EVIL)
    lines = fields.List(fields.Nested(Line))

    class Meta:
        include = {EVIL: fields.String(metadata={"examples": [f"it's {EVIL}"]})}  # noqa: RUF012


async def test_what_users_write_is_never_html(empty_database: str, redis_url: str) -> None:
    settings = Settings(database_url=empty_database, redis_url=redis_url)
    async with serving(settings, Resource("hostile", Hostile)) as service:
        section = (await collections(service))["hostile"]
    assert "<img" not in section
    assert "<b>" not in section
    assert "<i>" not in section
    said = rules(section)
    assert said[EVIL] == "Text."
    assert said["lines.*.sku"] == f"Title {EVIL} As printed {EVIL} Text."
    assert said["channel"] == f'Text. Left out, it is "{EVIL}". One of: {EVIL}, \'; rm -rf /.'
    assert said["number"] == "Text. Write <i> Matches this pattern from its start: <i>."
    assert "Documented <b>in HTML</b>." in text_of(section)


async def test_a_page_without_an_example_says_how_to_bring_one(
    empty_database: str, redis_url: str
) -> None:
    strict = fields.String(required=True, validate=validate.Regexp(r"[A-Z]{3}-\d{9}\Z"))
    resource = Resource("strict", Schema.from_dict({"code": strict}), key="code")
    settings = Settings(database_url=empty_database, redis_url=redis_url)
    async with serving(settings, resource) as service:
        shown = text_of((await collections(service))["strict"])
    assert 'metadata={"example": …}' in shown
    assert "List the first items" in shown
    assert "Save a new item" not in shown


async def test_where_only_reads_are_answered_no_command_writes(settings: Settings) -> None:
    reads = dataclasses.replace(settings, read_only=True, write_url="https://write.example.com/&")
    async with TestClient(Server(create_app(reads, REGISTRY))) as client:
        async with client.get("/docs") as response:
            page = text_of(await response.text())
        shown = await collections(Service(client, ""))
    assert "This instance takes no writes: send them to https://write.example.com/&." in page
    assert "Prefer: handling=lenient" not in page
    for section in shown.values():
        commands = re.findall(r"<h4>(.+?)</h4>", section)
        assert commands == ["Read its JSON Schema", "List the first items"]
