"""GET /openapi.json and /openapi.yaml: what this instance serves, and nothing else."""

import gzip
from collections.abc import AsyncIterator

import pytest
import yaml
from aiohttp.test_utils import TestClient

from ingest.app import create_app
from ingest.examples import airports
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.conftest import Server
from tests.api.shared import configured
from tests.harness import Service

REGISTRY = Registry([airports])
LINK = '</openapi.json>; rel="service-desc"; type="application/json"'


@pytest.fixture
async def api(settings: Settings, operator: Pool) -> AsyncIterator[Service]:
    """An API of one collection."""
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(Server(create_app(settings, REGISTRY))) as client:
        yield Service(client, token)


async def test_yaml_says_the_same(api: Service) -> None:
    async with api.client.get("/openapi.json") as response:
        assert response.content_type == "application/json"
        found = await response.json()
    async with api.client.get("/openapi.yaml") as response:
        assert response.content_type == "application/yaml"
        text = await response.text()
    assert yaml.load(text, yaml.CSafeLoader) == found


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.yaml"])
async def test_who_has_this_version_is_not_sent_it_again(api: Service, path: str) -> None:
    async with api.client.get(path) as response:
        tag, body = response.headers["ETag"], await response.read()
        assert response.headers["Cache-Control"] == "private, no-cache"
    for held, status in ((tag, 304), (f'"other", {tag}', 304), ('"other"', 200)):
        async with api.client.get(path, headers={"If-None-Match": held}) as response:
            assert response.status == status
            assert response.headers["ETag"] == tag
            assert (await response.read() == body) is (status == 200)


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.yaml", "/docs", "/docs/try"])
async def test_it_is_sent_compressed_to_those_who_take_that(api: Service, path: str) -> None:
    """Each of the two has a tag of its own, and either tells that nothing has changed."""
    found = {}
    for wanted in ("identity", "gzip"):
        asked = {"Accept-Encoding": wanted, "Accept": "text/html, */*"}
        async with api.client.get(path, headers=asked) as response:
            assert "Accept-Encoding" in response.headers["Vary"]
            assert response.headers.get("Content-Encoding", "identity") == wanted
            length = int(response.headers["Content-Length"])
            found[wanted] = (response.headers["ETag"], length, await response.read())
    (tag, length, body), (tag_of_gzip, length_of_gzip, same) = found["identity"], found["gzip"]
    assert same == body
    assert length == len(body)
    assert length_of_gzip < length
    assert tag != tag_of_gzip
    for held in (tag, tag_of_gzip):
        async with api.client.get(path, headers={**asked, "If-None-Match": held}) as response:
            assert response.status == 304
            assert response.headers["ETag"] == tag_of_gzip


async def test_it_is_compressed_once(api: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("/openapi.json", "/docs"):
        async with api.client.get(path) as response:
            first = await response.read()
        with monkeypatch.context() as patched:
            patched.setattr(gzip, "compress", None)
            async with api.client.get(path) as response:
                assert response.headers["Content-Encoding"] == "gzip"
                assert await response.read() == first


@configured(docs="token")
async def test_it_may_need_a_token(api: Service) -> None:
    async with api.client.get("/openapi.json") as response:
        assert response.status == 401
    reply = await api.request("GET", "/openapi.json")
    assert reply.status == 200


@configured(docs="off")
async def test_it_may_be_hidden(api: Service) -> None:
    reply = await api.request("GET", "/openapi.json")
    assert reply.status == 404
    reply = await api.get("airports")
    assert "service-desc" not in ", ".join(reply.headers.getall("Link"))


async def test_home_and_answers_of_a_collection_link_to_it(api: Service) -> None:
    async with api.client.get("/") as response:
        assert LINK in response.headers["Link"]
        assert (await response.json())["data"]["openapi"].endswith("/openapi.json")
    reply = await api.get("airports")
    assert LINK in reply.headers.getall("Link")
    reply = await api.get("batches")
    assert "Link" not in reply.headers
