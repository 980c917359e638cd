"""/docs/try: Swagger UI on the service's own OpenAPI document.

It takes seconds to open an endpoint of a large document, and so one page serves the whole story.
"""

import json

from tests.acceptance.conftest import Dev
from tests.browser.conftest import Open
from tests.browser.watched import LOOKS, Watched

AIRPORT = {"iata": "BER", "name": "Brandenburg", "country": "DE", "latitude": 52, "longitude": 13}


async def test_everyone_can_try_an_endpoint(open_page: Open, dev: Dev) -> None:
    page = await open_page("/docs/try#/airports/createAirports")
    create = page.page.locator("#operations-airports-createAirports")
    await create.locator(".try-out__btn").click()
    for control in await create.locator("tr[data-param-name] :is(input, select, textarea)").all():
        assert await control.input_value() == "", "a first try does the plain thing"
    tag = page.page.locator("#operations-tag-contacts > span")
    await tag.evaluate("each => each.textContent = 'longest_name_'.repeat(4).slice(0, 48)")
    await create.locator("textarea").fill(json.dumps([AIRPORT]))
    for look in LOOKS:
        await page.look(look)
        followed = "html.dark-mode" if look == "dark" else "html:not(.dark-mode)"
        await page.page.locator(followed).wait_for()
        await page.screenshot(f"try-{look}", full_page=False)
        await page.check_fits()
        await page.check_accessible()
    await page.look("light")
    await give_token(page, dev.ready["token"])
    await create.locator(".execute").click()
    answer = create.locator(".live-responses-table")
    await answer.locator(".response-col_status", has_text="201").wait_for()
    await answer.scroll_into_view_if_needed()
    await page.screenshot("try-answer", full_page=False)
    await page.check_accessible()
    assert dev.request("GET", "/v1/airports/BER").body["data"]["name"] == AIRPORT["name"]


async def give_token(page: Watched, token: str) -> None:
    """Enter it where Swagger UI asks for it."""
    await page.page.locator(".btn.authorize").click()
    bearer = page.page.locator(".auth-container", has_text="bearer")
    await bearer.locator("input").fill(token)
    await page.screenshot("try-token", full_page=False)
    await page.check_accessible()
    await bearer.locator(".modal-btn.authorize").click()
    await bearer.locator(".btn-done").click()
