"""What describes the collections: who reads it, and how those keep it who have read it."""

import asyncio
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any

from aiohttp import BasicAuth, web
from aiohttp.typedefs import Handler
from markupsafe import escape

from ingest.errors import RequestError, TokenInvalid, TokenRequired
from ingest.formats.negotiation import JSON
from ingest.http.accept import accepted
from ingest.http.call import CALL
from ingest.http.conditional import conditional
from ingest.http.gate import CALLER
from ingest.http.links import prefix, public_base
from ingest.http.pages import POLICY, page
from ingest.http.responses import VARY, respond_error
from ingest.http.service import SERVICE, Service
from ingest.http.static import asset_path
from ingest.web.render import render

HTML = "text/html"
MADE = web.AppKey("made", dict[str, str])
"""Pages that are made once, when they are first asked for: by their path."""
BASE = "https://service.invalid"
"""Stands in them for where the client reaches the service."""

_ASK = 'Basic realm="documentation", charset="UTF-8"'


def documentation(handler: Handler) -> Handler:
    """Let a handler answer those whom `INGEST_DOCS` admits."""

    @wraps(handler)
    async def admitted(request: web.Request) -> web.StreamResponse:
        docs = request.app[SERVICE].settings.docs
        if docs == "off":
            raise web.HTTPNotFound
        if docs == "token":
            try:
                await _check_token(request)
            except (TokenRequired, TokenInvalid) as problem:
                return await _refused(request, problem)
        return await handler(request)

    return admitted


async def _check_token(request: web.Request) -> None:
    """Raise TokenRequired or TokenInvalid where the request brings no token of any account."""
    sent = request[CALL].credentials
    token = _token(sent[0]) if len(sent) == 1 else ""
    if not token:
        raise TokenRequired(
            "A token is required",
            "Send it as `Authorization: Bearer TOKEN`, or as the password that a browser asks for.",
        )
    caller = await request.app[SERVICE].callers.find(token)
    if caller is None:
        raise TokenInvalid("The token is not valid", "It is unknown, revoked or has expired.")
    request[CALLER] = caller


def _token(credentials: str) -> str:
    """The token of an `Authorization` header; empty where it holds none."""
    scheme, _, rest = credentials.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    try:
        return str(BasicAuth.decode(credentials).password)
    except ValueError:
        return ""


async def _refused(request: web.Request, problem: RequestError) -> web.Response:
    """A 401 for which a browser asks for the token, and beside its question shows how."""
    response = await respond_error(request, problem)
    if wants_html(request):
        text = html(request.app[SERVICE], "locked.html", message=problem.message)
        shown = page(text, status=HTTPStatus.UNAUTHORIZED)
        shown.headers["WWW-Authenticate"] = response.headers["WWW-Authenticate"]
        response = shown
    response.headers.add("WWW-Authenticate", _ASK)
    response.headers.update(VARY)
    return response


def wants_html(request: web.Request) -> bool:
    """Whether the request asks for a page rather than for JSON."""
    header = ", ".join(request.headers.getall("Accept", ()))
    return accepted(header, (JSON, HTML)).media_type == HTML


def html(service: Service, template: str, **values: Any) -> str:
    """A page with the links and the style of all of them."""
    common = {
        "documented": service.settings.docs != "off",
        "root": prefix(service),
        "style": asset_path("docs.css"),
    }
    return render(template, **{**common, **values})


async def made_once(request: web.Request, make: Callable[[], str]) -> web.Response:
    """The page at the request's path, which is made once for a process.

    Args:
        make: makes it, with `BASE` for where the client reaches the service.
    """
    made = request.app[MADE]
    if request.path not in made:
        # In a thread: to describe many collections takes as long as their patterns are many.
        made[request.path] = await asyncio.to_thread(make)
    return unchanging(request, page(with_base(made[request.path], request)))


def with_base(made: str, request: web.Request) -> str:
    """A page that says where this client reaches the service."""
    return made.replace(BASE, escape(public_base(request)))


def unchanging(
    request: web.Request, shown: web.Response, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A page that changes only with the schemas or the settings; 304 to who has it already.

    Args:
        headers: those that the 304 has, too.
    """
    body = shown.body if isinstance(shown.body, bytes) else b""
    kept = conditional(request, body, HTML)
    if kept.status != HTTPStatus.NOT_MODIFIED:
        kept.charset = shown.charset
    # Browsers put the policy of a 304 in the place of the one that they have kept.
    kept.headers[POLICY] = shown.headers[POLICY]
    kept.headers.update(headers or {})
    return kept
