"""Every page that the service serves, as browsers show it."""

import pytest

from tests.browser.conftest import Open
from tests.browser.watched import LOOKS

PAGES = {
    "home": "/",
    "docs": "/docs",
    "errors": "/docs/errors",
    "error": "/docs/errors/bad_format",
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PAGES)
async def test_everyone_can_read_it(open_page: Open, name: str, look: str) -> None:
    page = await open_page(PAGES[name], look)
    await page.screenshot(f"{name}-{look}")
    await page.check_fits()
    await page.check_accessible()


@pytest.mark.parametrize("name", PAGES)
async def test_it_can_be_opened_again(open_page: Open, name: str) -> None:
    """A browser then asks only whether the page has changed."""
    page = await open_page(PAGES[name])
    await page.open(PAGES[name])
    assert await page.page.evaluate("[...document.styleSheets].every(each => each.cssRules.length)")
