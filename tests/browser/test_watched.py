"""The watch itself: each thing that no page of ours does is seen."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser

from ingest.http.pages import page
from tests.browser.watched import Watched, watch

SCRIPTS = {
    "an error": ("console.error('went wrong')", "went wrong"),
    "a warning": ("console.warn('doubtful')", "doubtful"),
    "an exception": ("setTimeout(() => { throw new Error('uncaught one') })", "uncaught one"),
    "an inline style": (
        "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')",
        "policy violated: style-src-attr",
    ),
    "a script of the page's own": (
        "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
        "policy violated: script-src",
    ),
    "another origin": ("fetch('http://127.0.0.1:9/').catch(() => 0)", "policy violated: connect"),
}


@pytest_asyncio.fixture(loop_scope="module")
async def origin() -> AsyncIterator[str]:
    """Where a page is served as ours are; it has nothing in it."""

    async def show(_: web.Request) -> web.Response:
        head = "<head><title>Empty</title><link rel=icon href=data:,></head>"
        return page(f'<!DOCTYPE html><html lang="en">{head}<body></body></html>')

    app = web.Application()
    app.add_routes([web.get("/", show)])
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")


@pytest_asyncio.fixture(loop_scope="module")
async def watched(browser: Browser, origin: str) -> AsyncIterator[Watched]:
    """That page."""
    context, page = await watch(browser, origin, "narrow")
    async with context:
        await page.open("/")
        page.check()
        yield page


async def seen(page: Watched, what: str) -> None:
    """Wait for what happens after a script has run."""
    for _ in range(100):
        if any(what in each for each in page.wrong):
            return
        await page.page.evaluate("new Promise(requestAnimationFrame)")
    raise AssertionError(f"not seen: {what}; but {page.wrong}")


@pytest.mark.parametrize("case", SCRIPTS)
async def test_it_sees(watched: Watched, case: str) -> None:
    script, what = SCRIPTS[case]
    await watched.page.evaluate(script)
    await seen(watched, what)
    with pytest.raises(AssertionError):
        watched.check()


async def test_it_sees_a_request_to_another_origin(browser: Browser, origin: str) -> None:
    """One that the policy would stop, too."""
    context, page = await watch(browser, "http://elsewhere.example", "light")
    async with context:
        await page.page.goto(origin)
        await seen(page, "asked another origin")


async def test_it_sees_what_is_hard_to_read(watched: Watched) -> None:
    await watched.check_accessible()
    await watched.page.evaluate("document.body.innerHTML = '<img src=\"data:,\">'")
    with pytest.raises(AssertionError, match="image-alt"):
        await watched.check_accessible()


async def test_it_sees_what_is_too_wide(watched: Watched) -> None:
    await watched.check_fits()
    await watched.page.evaluate("document.body.textContent = 'x'.repeat(500)")
    with pytest.raises(AssertionError):
        await watched.check_fits()
