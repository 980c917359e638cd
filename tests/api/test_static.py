"""GET /static: what pages refer to. GET /docs/try: the page that needs it most."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.web import assets
from tests.harness import Service

IMMUTABLE = "public, max-age=31536000, immutable"


def path_of(name: str) -> str:
    return f"/static/{assets.assets()[name].name}"


@pytest.fixture
def nothing_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's folder as it is without npm; its build has said why."""
    (tmp_path / "static").mkdir()
    monkeypatch.setattr(assets, "FOLDER", tmp_path)
    monkeypatch.setattr(assets, "WHY_MISSING", tmp_path / "static" / "missing.txt")
    assets.WHY_MISSING.write_text("npm ci failed: <ENOTFOUND>")
    return tmp_path


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Each test finds the files that are there for it."""
    for remembered in (assets.assets, assets.by_served_name):
        remembered.cache_clear()
    yield
    for remembered in (assets.assets, assets.by_served_name):
        remembered.cache_clear()


@pytest.mark.parametrize("accepted", ["gzip, deflate, br", "br;q=1, GZIP;q=0.5"])
async def test_browsers_keep_a_file_for_good(api: Service, accepted: str) -> None:
    headers = {"Accept-Encoding": accepted}
    async with api.client.get(path_of("docs.css"), headers=headers) as response:
        body = await response.read()
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/css; charset=utf-8"
    assert response.headers["Cache-Control"] == IMMUTABLE
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.content_length == len(assets.assets()["docs.css"].compressed) < len(body)
    assert body == assets.assets()["docs.css"].body  # the client has decompressed it


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "gzip; q=0.000, br"])
async def test_it_is_not_compressed_for_those_who_do_not_take_that(
    api: Service, accepted: str
) -> None:
    headers = {"Accept-Encoding": accepted}
    async with api.client.get(path_of("docs.css"), headers=headers) as response:
        assert "Content-Encoding" not in response.headers
        assert await response.read() == assets.assets()["docs.css"].body


@pytest.mark.parametrize(
    "name", ["docs.css", "docs-0.css", "missing.txt", "..%2Fassets.py", "%2e%2e%2fassets.py"]
)
async def test_there_is_nothing_else(api: Service, name: str) -> None:
    async with api.client.get(f"/static/{name}") as response:
        assert (response.status, response.content_type) == (404, "application/json")
        assert response.headers["Cache-Control"] == "no-store"


async def test_swagger_ui_needs_no_other_origin_and_nothing_inline(api: Service) -> None:
    if "try.js" not in assets.assets():
        pytest.skip(f"the front end is not built: {assets.why_missing()}")
    async with api.client.get("/docs/try") as response:
        page = await response.text()
    assert (response.status, response.content_type) == (200, "text/html")
    policy = dict(
        each.strip().split(" ", 1)
        for each in response.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    references = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert {path_of("try.js"), path_of("try.css")} <= set(references)
    for reference in references:
        assert reference.startswith(("/", "#", "data:,"))
        assert not reference.startswith("//")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script[^>]*>[^<]", page)


async def test_without_its_build_it_says_what_is_missing(api: Service, nothing_built: Path) -> None:
    async with api.client.get("/docs/try") as response:
        page = await response.text()
    assert response.status == 200
    assert "npm ci failed: &lt;ENOTFOUND&gt;" in page
    assert "<code>make web</code>" in page
    assert "<script" not in page
