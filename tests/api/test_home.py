"""GET /: what this is, and where to go on."""

import re

import pytest

from tests.api.shared import configured
from tests.harness import Service

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


async def page(api: Service) -> str:
    async with api.client.get("/", headers={"Accept": BROWSER}) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        return await response.text()


async def test_a_browser_gets_a_page_whose_links_lead_somewhere(api: Service) -> None:
    found = set(re.findall(r'href="(/[^"#]*)', await page(api)))
    assert {"/docs", "/docs/errors", "/docs/try"} <= found
    for path in found:
        async with api.client.get(path) as response:
            assert response.status == 200, path


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.9"])
async def test_a_program_gets_json(api: Service, accept: str) -> None:
    async with api.client.get("/", headers={"Accept": accept}) as response:
        document = await response.json()
        assert response.headers["Vary"] == "Accept, Authorization"
    assert document.keys() == {"result", "status", "timestamp", "message", "data"}
    base = str(api.client.make_url("/")).rstrip("/")
    assert document["data"]["collections"]["contacts"] == f"{base}/v1/contacts"
    shown = await page(api)
    for name, url in document["data"].items():
        assert name == "collections" or f'href="{url.removeprefix(base)}"' in shown


@pytest.mark.parametrize("accept", ["*/*", BROWSER])
async def test_it_links_to_what_people_read(api: Service, accept: str) -> None:
    async with api.client.get("/", headers={"Accept": accept}) as response:
        links = response.links
    assert links["service-doc"]["url"] == api.client.make_url("/docs")


async def test_answers_about_a_collection_do_too(api: Service) -> None:
    headers = {"Authorization": f"Bearer {api.token}"}
    async with api.client.get("/v1/contacts", headers=headers) as response:
        assert response.links["service-doc"]["url"] == api.client.make_url("/docs#contacts")


@configured(docs="off")
async def test_but_not_to_what_is_off(api: Service) -> None:
    headers = {"Authorization": f"Bearer {api.token}"}
    async with api.client.get("/v1/contacts", headers=headers) as response:
        assert response.links.keys() == {"describedby"}


async def test_a_page_that_is_known_is_not_sent_again(api: Service) -> None:
    async with api.client.get("/", headers={"Accept": BROWSER}) as response:
        tag = response.headers["ETag"]
    known = {"Accept": BROWSER, "If-None-Match": tag}
    async with api.client.get("/", headers=known) as response:
        assert response.status == 304
        assert "service-doc" in response.links
    async with api.client.get("/", headers={"If-None-Match": tag}) as response:
        assert response.status == 200


@configured(docs="token")
async def test_collections_are_not_named_to_everyone(api: Service) -> None:
    shown = await page(api)
    assert "contacts" not in shown
    assert 'href="/docs"' in shown


@configured(docs="off")
async def test_there_is_no_link_to_what_is_not_there(api: Service) -> None:
    shown = await page(api)
    for path in re.findall(r'href="(/[^"#]*)', shown):
        async with api.client.get(path) as response:
            assert response.status == 200, path
    async with api.client.get("/") as response:
        assert not response.links
        assert (await response.json())["data"].keys() == {"errors", "ready"}
