"""GET /docs/errors: a page for each name that an answer can link to."""

import html
import json
import re

import pytest
from aiohttp import ClientResponse

from ingest.dialects import DIALECTS
from ingest.dialects.samples import samples
from ingest.error_help import HELP
from ingest.errors import INVALID_ITEMS, ITEM_CODES, request_errors
from ingest.http.service import SERVICE
from tests.api.shared import configured
from tests.harness import Service

NAMES = {code.name for code in (*request_errors(), *ITEM_CODES.values())} | {INVALID_ITEMS}


def check_headers(response: ClientResponse) -> None:
    assert response.content_type == "text/html"
    assert response.charset == "utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"


def test_each_name_has_its_text_and_no_other() -> None:
    assert HELP.keys() == NAMES
    for meaning, remedy in HELP.values():
        assert meaning.endswith(".")
        assert remedy.endswith(".")


@pytest.mark.parametrize("name", sorted(NAMES))
async def test_s25_each_name_has_a_page(api: Service, name: str) -> None:
    async with api.client.get(f"/docs/errors/{name}") as response:
        page = await response.text()
    assert response.status == 200
    check_headers(response)
    assert f"<h1>{name}</h1>" in page
    assert all(text in html.unescape(page) for text in HELP[name])
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=\"(?!/|#|data:,)", page)
    subjects = samples(name, next(iter(api.app[SERVICE].presenters.values())))
    assert subjects
    for subject in subjects:
        assert f"<h2>As an error of {subject}</h2>" in page
    for dialect in ("The default", *(f"Dialect {each}" for each in DIALECTS)):
        assert page.count(f">{dialect}: HTTP ") == len(subjects)


async def test_a_page_shows_the_code_in_each_dialect(api: Service) -> None:
    async with api.client.get("/docs/errors/duplicate") as response:
        page = html.unescape(await response.text())
    found = re.findall(r">(.+): HTTP (\d+) .+</summary>\n<pre[^>]*><code>([^<]+)", page)
    statuses = {title: int(status) for title, status, _ in found}
    assert (statuses["The default"], statuses["Dialect status"]) == (422, 409)
    shown = {title: json.loads(body) for title, _, body in found}
    assert ">Code 40903<" in page
    assert shown["The default"]["failures"][0]["errors"][0]["code"] == 40903
    link = str(api.client.make_url("/docs/errors/duplicate"))
    assert shown["Dialect status"]["more_info"] == link


@configured(public_url='https://x.example.com/<b>"')
async def test_what_a_page_shows_is_escaped(api: Service) -> None:
    async with api.client.get("/docs/errors/duplicate") as response:
        page = await response.text()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize("name", ["nothing", "Duplicate", "%3Cscript%3E", "duplicate/x", ""])
async def test_an_unknown_name_is_404(api: Service, name: str) -> None:
    async with api.client.get(f"/docs/errors/{name}") as response:
        body = await response.json()
    assert (response.status, body["error"]["name"]) == (404, "unknown_endpoint")


async def test_the_list_links_to_each_page(api: Service) -> None:
    async with api.client.get("/docs/errors") as response:
        page = await response.text()
    assert response.status == 200
    check_headers(response)
    assert set(re.findall(r'href="/docs/errors/([a-z_]+)"', page)) == NAMES


async def test_h10_the_list_has_every_code(api: Service) -> None:
    async with api.client.get("/docs/errors") as response:
        page = await response.text()
    codes = {code.code for code in (*request_errors(), *ITEM_CODES.values())}
    codes |= {code for dialect in DIALECTS.values() for code, _ in dialect.codes}
    assert 20200 in codes
    assert codes <= set(map(int, re.findall(r"\b\d{5}\b", page)))


async def test_names_of_collections_are_for_the_docs_alone(api: Service) -> None:
    """Without a token the API answers alike for what is there and what is not."""
    for name in ("contacts", "nothing"):
        async with api.client.get(f"/v1/{name}") as response:
            assert response.status == 401
