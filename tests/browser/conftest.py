"""A real browser on a real service. Where there is no browser, the tests say how to get one."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from tests.acceptance.conftest import Dev
from tests.browser.watched import AXE, Watched, watch

Open = Callable[..., Awaitable[Watched]]

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_NO_BROWSER = (
    "there is no Chromium: `apt-get install chromium` on Debian, "
    "`.venv/bin/playwright install chromium` elsewhere"
)
_NO_AXE = "the front end is not built: run `make web` where npm's registry is reachable"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a file share its browser, and so its event loop."""
    folder = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(folder):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Dev]:
    """One `ingest dev` for the tests of a file; not started where there is no browser."""
    running = Dev(tmp_path_factory.mktemp("dev"))
    try:
        yield running.wait_ready()
    finally:
        running.clean_up()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    if not AXE.exists():
        pytest.skip(_NO_AXE)
    async with async_playwright() as playwright:
        program = _program(playwright)
        if program is None:
            pytest.skip(_NO_BROWSER)
        sandbox = [] if os.getuid() else ["--no-sandbox"]  # it does not start with one as root
        browser = await playwright.chromium.launch(executable_path=program, args=sandbox)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(browser: Browser, dev: Dev) -> AsyncIterator[Open]:
    """Opens a path of the service in a look; after the test, nothing may have gone wrong."""
    opened: list[Watched] = []
    async with AsyncExitStack() as contexts:

        async def open_path(path: str, look: str = "light") -> Watched:
            context, page = await watch(browser, dev.ready["url"], look)
            contexts.push_async_callback(context.close)
            await page.open(path)
            opened.append(page)
            return page

        yield open_path
    for page in opened:
        page.check()


def _program(playwright: Playwright) -> str | None:
    """The browser: that of the system, else the one that Playwright has fetched."""
    found = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    fetched = playwright.chromium.executable_path
    return found or (fetched if Path(fetched).exists() else None)
