"""GET /openapi.json and /openapi.yaml: what this instance serves, and nothing else."""

import hashlib
from typing import Any

import yaml
from aiohttp import web
from openapi_spec_validator import validate

from ingest.http.request import endpoint_of
from ingest.http.routes import ROUTES
from ingest.http.rpc_parameters import Verb
from tests.harness import REGISTRY, Service

METHODS = {"get", "post", "patch", "put", "delete"}


async def document(api: Service) -> dict[str, Any]:
    async with api.client.get("/openapi.json") as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        found: dict[str, Any] = await response.json()
    return found


async def test_it_is_valid(api: Service) -> None:
    validate(await document(api))


async def test_yaml_says_the_same(api: Service) -> None:
    async with api.client.get("/openapi.yaml") as response:
        assert response.content_type == "application/yaml"
        text = await response.text()
    assert yaml.load(text, yaml.CSafeLoader) == await document(api)


async def test_who_has_this_version_is_not_sent_it_again(api: Service) -> None:
    for path in ("/openapi.json", "/openapi.yaml"):
        async with api.client.get(path) as response:
            tag, body = response.headers["ETag"], await response.read()
            assert response.headers["Cache-Control"] == "no-cache"
        assert tag.strip('"') == hashlib.sha256(body).hexdigest()[:32]
        for held, status in ((tag, 304), (f'"other", {tag}', 304), ("*", 304), ('"other"', 200)):
            async with api.client.get(path, headers={"If-None-Match": held}) as response:
                assert response.status == status
                assert response.headers["ETag"] == tag
                assert (await response.read() == body) is (status == 200)


async def test_each_endpoint_is_described_and_no_other(api: Service) -> None:
    """What the router has for each path of the document, and the other way round."""
    paths = (await document(api))["paths"]
    described = set()
    for path, operations in paths.items():
        concrete = path.replace("{key}", "k").replace("{batch}", "b").replace("{extension}", "json")
        for method in METHODS & operations.keys():
            request = _request(api, method, concrete)
            found = await api.app.router.resolve(request)
            assert found.http_exception is None, (method, path)
            described.add((method.upper(), found.route.handler))
    routed = {
        (route.method, route.handler)
        for route in ROUTES
        if endpoint_of(_Found(route.handler)) is not None  # type: ignore[arg-type]
    }
    assert routed <= described
    for resource in REGISTRY:
        for verb in Verb:
            assert f"/api/v1.1/{resource}/{verb.value}" in paths


class _Found:
    """Where a route leads, as `endpoint_of` reads it."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler


def _request(api: Service, method: str, path: str) -> web.Request:
    from aiohttp.test_utils import make_mocked_request

    return make_mocked_request(method.upper(), path, app=api.app)
