"""GET /: what this is, and where to go on; a page in a browser, else JSON."""

import datetime as dt
from typing import NamedTuple

from aiohttp import web

from ingest.http.documentation import html, unchanging, wants_html
from ingest.http.links import docs_link, openapi_link, public_base
from ingest.http.pages import page
from ingest.http.responses import VARY, json_response
from ingest.http.service import SERVICE, Service

WHAT = (
    "This service takes items by the thousand, saves all of a request or none, and names every bad "
    "item with its index, its field and the reason."
)


class Link(NamedTuple):
    """A way on."""

    name: str
    path: str
    title: str
    about: str


_DOCS = (
    Link(
        "docs", "/docs", "Documentation", "Fields, rules, examples and errors of each collection."
    ),
    Link("openapi", "/openapi.json", "OpenAPI", "The same for machines: clients are made of it."),
    Link("try", "/docs/try", "Try it", "Every request in Swagger UI, with a token of yours."),
)
_ALWAYS = (
    Link("errors", "/docs/errors", "Errors", "What each error means, and what to do."),
    Link("ready", "/readyz", "State", "Whether the service is ready to work."),
)


async def show_home(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    collections = list(service.registry) if service.settings.docs == "public" else []
    described = f"{docs_link(service)}, {openapi_link(service)}"
    headers = {} if service.settings.docs == "off" else {"Link": described}
    if wants_html(request):
        shown = html(service, "home.html", what=WHAT, links=links(service), collections=collections)
        return unchanging(request, page(shown), headers)
    return json_response(200, _document(request, collections), {**headers, **VARY})


def links(service: Service) -> tuple[Link, ...]:
    """The ways on that there are."""
    return _ALWAYS if service.settings.docs == "off" else (*_DOCS, *_ALWAYS)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _document(request: web.Request, collections: list[str]) -> dict[str, object]:
    base = public_base(request)
    data: dict[str, object] = {
        each.name: f"{base}{each.path}" for each in links(request.app[SERVICE])
    }
    if collections:
        data["collections"] = {name: f"{base}/v1/{name}" for name in collections}
    return {
        "result": "success",
        "status": 200,
        "timestamp": _now(),
        "message": WHAT,
        "data": data,
    }
