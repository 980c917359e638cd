"""Who reads what describes the collections, and how it is kept by those who have read it."""

import hashlib
from functools import wraps

from aiohttp import BasicAuth, ETag, web
from aiohttp.typedefs import Handler

from ingest.errors import TokenInvalid, TokenRequired
from ingest.http.call import CALL
from ingest.http.gate import CALLER
from ingest.http.responses import respond_error
from ingest.http.service import SERVICE

ASK = 'Basic realm="documentation", charset="UTF-8"'
"""Makes a browser ask for a name and a password, which is the token."""


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
                response = await respond_error(request, problem)
                response.headers.add("WWW-Authenticate", ASK)
                return response
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


def unchanging(
    request: web.Request, body: bytes, content_type: str, *, vary: str = ""
) -> web.Response:
    """A document that changes only with the schemas or the settings; 304 to who has it already.

    Args:
        vary: the request headers that decide on it.
    """
    tag = hashlib.blake2b(body, digest_size=16).hexdigest()
    private = request.app[SERVICE].settings.docs != "public"
    headers = {"Cache-Control": "private, no-cache" if private else "no-cache"}
    if vary:
        headers["Vary"] = vary
    known = request.if_none_match or ()
    if any(each.value in (tag, "*") for each in known):
        response = web.Response(status=304, headers=headers)
    else:
        response = web.Response(
            body=body, content_type=content_type, charset="utf-8", headers=headers
        )
    response.etag = ETag(tag)
    return response
