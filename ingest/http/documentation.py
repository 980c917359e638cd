"""What describes the collections: who reads it, and how those keep it who have read it."""

import hashlib
from collections.abc import Callable, Mapping
from functools import wraps

from aiohttp import BasicAuth, ETag, web
from aiohttp.typedefs import Handler
from markupsafe import escape

from ingest.errors import RequestError, TokenInvalid, TokenRequired
from ingest.formats.negotiation import JSON
from ingest.http.accept import accepted
from ingest.http.call import CALL
from ingest.http.gate import CALLER
from ingest.http.links import public_base
from ingest.http.pages import page
from ingest.http.responses import respond_error
from ingest.http.service import SERVICE
from ingest.http.static import asset_path
from ingest.web.render import render

HTML = "text/html"
MADE = web.AppKey("made", dict[str, str])
"""Pages that are made once, when they are first asked for: by their path."""
BASE = "https://service.invalid"
"""Stands in them for where the client reaches the service."""
SERVICE_DOC = '</docs>; rel="service-doc"; type="text/html"'
"""Leads from the API to what people read (RFC 8631)."""

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
        shown = page(render("locked.html", message=problem.message, style=style()), status=401)
        shown.headers["WWW-Authenticate"] = response.headers["WWW-Authenticate"]
        response = shown
    response.headers.add("WWW-Authenticate", _ASK)
    response.headers["Vary"] = "Accept, Authorization"
    return response


def wants_html(request: web.Request) -> bool:
    """Whether the request asks for a page rather than for JSON."""
    header = ", ".join(request.headers.getall("Accept", ()))
    return accepted(header, (JSON, HTML)).media_type == HTML


def style() -> str | None:
    """The path of the pages' stylesheet."""
    return asset_path("docs.css")


def made_once(request: web.Request, make: Callable[[], str]) -> web.Response:
    """The page at the request's path, which is made once for a process.

    Args:
        make: makes it, with `BASE` for where the client reaches the service.
    """
    made = request.app[MADE]
    if request.path not in made:
        made[request.path] = make()
    return unchanging(request, page(with_base(made[request.path], request)))


def with_base(html: str, request: web.Request) -> str:
    """A page that says where this client reaches the service."""
    return html.replace(BASE, escape(public_base(request)))


def unchanging(
    request: web.Request, response: web.Response, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A response that changes only with the schemas or the settings; 304 to who has it already.

    Args:
        headers: those that the 304 has, too.
    """
    private = request.app[SERVICE].settings.docs != "public"
    tag = hashlib.blake2b(_bytes(response), digest_size=16).hexdigest()
    known = request.if_none_match or ()
    if any(each.value in (tag, "*") for each in known):
        response = web.Response(status=304)
    response.headers["Cache-Control"] = "private, no-cache" if private else "no-cache"
    response.headers.update(headers or {})
    response.etag = ETag(tag)
    return response


def _bytes(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""
