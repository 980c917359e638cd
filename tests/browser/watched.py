"""A page in a real browser, where anything that should not happen fails the test."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

ROOT = Path(__file__).parents[2]
AXE = ROOT / "ingest" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "build" / "screenshots"

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}},
}
"""How a page is looked at, as options of a browser's context."""

_TIMEOUT = 60_000  # milliseconds until something that must happen has not: the machine may be busy
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AXE_OPTIONS = {
    "runOnly": {"type": "tag", "values": _WCAG},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
# The policy does not stop this script, which is the debugger's and not the page's.
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`));
"""
# The elements that reach beyond the window, where it can be scrolled sideways for them.
_TOO_WIDE = """
document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll("body *")]
        .filter((each) => each.getBoundingClientRect().right > innerWidth)
        .map((each) => each.outerHTML.slice(0, 200))
        .concat("the page is too wide")
"""


class Watched:
    """A page of one origin; `check` fails where it did what no page of ours does."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.wrong: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(f"uncaught: {error}"))
        page.on("request", self._asked)

    async def open(self, path: str) -> None:
        """Go to a path, and wait until what the page refers to is loaded."""
        response = await self.page.goto(self.origin + path)
        assert response is not None
        assert response.status == 200, path

    async def look(self, look: str) -> None:
        """Go on in another look."""
        options = LOOKS[look]
        await self.page.emulate_media(color_scheme=options["color_scheme"])
        await self.page.set_viewport_size(options["viewport"])

    def check(self) -> None:
        """Nothing went wrong so far."""
        assert self.wrong == []

    async def check_accessible(self) -> None:
        """Axe finds nothing that WCAG 2.2 AA forbids."""
        await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate("options => axe.run(document, options)", _AXE_OPTIONS)
        problems = [
            f"{each['id']}: {node['html']} ({node['failureSummary']})"
            for each in found["violations"]
            for node in each["nodes"]
        ]
        assert not problems, "\n".join(problems)

    async def check_fits(self) -> None:
        """It can be read without scrolling sideways."""
        wide = await self.page.evaluate(_TOO_WIDE)
        assert not wide, "\n".join(wide)

    async def screenshot(self, name: str, *, full_page: bool = True) -> None:
        """Leave a picture for reviewers: of the whole page, or of what is seen of it."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full_page)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.wrong.append(f"asked another origin: {request.url}")


async def watch(browser: Browser, origin: str, look: str) -> tuple[BrowserContext, Watched]:
    """A new page of a browser without any history, and the context to be closed after it."""
    # Without motion, a look is there at once.
    context = await browser.new_context(**LOOKS[look], reduced_motion="reduce")
    context.set_default_timeout(_TIMEOUT)
    await context.add_init_script(_TELL_VIOLATIONS)
    return context, Watched(await context.new_page(), origin)
