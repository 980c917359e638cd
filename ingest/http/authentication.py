"""Who calls: found out before a request is handled, and again once its body has arrived."""

from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler

from ingest.access.rights import Caller
from ingest.errors import TokenInvalid, TokenRequired, Unavailable
from ingest.http.keys import CALLER, CALLERS


@web.middleware
async def authenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who calls; the API knows nobody without a token.

    What is no endpoint is told to everybody, and to whoever has a token as to somebody known.
    """
    if is_endpoint(request):
        request[CALLER] = await _caller(request)
    elif is_api(request):
        with suppress(TokenRequired, TokenInvalid, Unavailable):
            request[CALLER] = await _caller(request)
    return await handler(request)


async def check_again(request: web.Request) -> None:
    """Refuse what has arrived, where its token was revoked or has expired meanwhile.

    Raises:
        TokenInvalid, Unavailable
    """
    await _caller(request)


def is_api(request: web.Request) -> bool:
    """Whether the path is of the API, and not for whoever watches the process."""
    return request.path.startswith("/v1/")


def is_endpoint(request: web.Request) -> bool:
    """Whether the API has something at this path for this method."""
    return is_api(request) and request.match_info.http_exception is None


async def _caller(request: web.Request) -> Caller:
    sent = request.headers.getall("Authorization", ())
    if len(sent) > 1:
        raise TokenInvalid("There are several tokens", "Send one Authorization header.")
    scheme, _, token = (sent[0] if sent else "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRequired("A token is required", "Send it as `Authorization: Bearer TOKEN`.")
    caller = await request.app[CALLERS].find(token.strip())
    if caller is None:
        raise TokenInvalid("The token is not valid", "It is unknown, revoked or has expired.")
    return caller
