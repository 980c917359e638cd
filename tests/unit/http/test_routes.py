"""Which handler a path reaches."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from ingest.http import reads
from ingest.http.routes import ROUTES


async def resolved(path: str) -> web.UrlMappingMatchInfo:
    app = web.Application()
    app.add_routes(ROUTES)
    found = await app.router.resolve(make_mocked_request("GET", path))
    assert isinstance(found, web.UrlMappingMatchInfo)
    return found


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("MUC", "MUC"),
        ("%7Bx%7D", "{x}"),
        ("{x}", "{x}"),
        ("%7B", "{"),
        ("a%2Fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("schemas", "schemas"),
    ],
)
async def test_a_key_may_have_any_character(path: str, key: str) -> None:
    found = await resolved(f"/v1/airports/{path}")
    assert (found.handler, found["key"]) == (reads.get_item, key)


@pytest.mark.parametrize("path", ["schema", "schema.json", "a/b", ""])
async def test_other_paths_name_no_item(path: str) -> None:
    found = await resolved(f"/v1/airports/{path}")
    assert found.handler is not reads.get_item
