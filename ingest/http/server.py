"""aiohttp's server, with a JSON answer also to what is no HTTP request that a handler could see."""

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler

from ingest import metrics
from ingest.errors import InternalError, MalformedBody, RequestError
from ingest.http.responses import TRACE_HEADER, json_error
from ingest.http.security import SECURE_HEADERS, SERVER

_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class JsonRequestHandler(RequestHandler):
    """Answers malformed requests, which reach no middleware."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("a response is under way; the connection has to be closed")
        trace_id = secrets.token_hex(16)
        problem: RequestError
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log_exception("unexpected error, trace id %s", trace_id, exc_info=exc)
            problem = InternalError("The service failed to process the request")
        else:
            problem = MalformedBody("The request is not valid HTTP", _reason(exc, message))
        response = json_error(problem)
        metrics.unreadable(response.status)
        response.headers[TRACE_HEADER] = trace_id
        response.headers.update(SECURE_HEADERS)
        response.headers["Server"] = SERVER
        response.force_close()
        return response


class JsonServer(web.Server):
    """Makes a `JsonRequestHandler` for each connection."""

    def __call__(self) -> RequestHandler:
        return JsonRequestHandler(self, loop=self._loop, **self._kwargs)


class JsonAppRunner(web.AppRunner):
    """Runs an application on a `JsonServer`."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        arguments: dict[str, Any] = plain._kwargs
        handler = partial(_as_expected, plain.request_handler)
        return JsonServer(handler, request_factory=plain.request_factory, **arguments)


async def _as_expected(handler: _Handler, request: web.BaseRequest) -> web.StreamResponse:
    """Handle a request; what it expects is looked at before any middleware runs."""
    try:
        return await handler(request)
    except web.HTTPExpectationFailed:
        message = "Expect can only be 100-continue"
        return request.protocol.handle_error(request, 400, message=message)


def _reason(error: BaseException | None, message: str | None) -> str | None:
    """What is wrong with a request that is no valid HTTP; not what it has there."""
    if isinstance(error, LineTooLong):
        return "Its request line, or a header, is too long."
    lines = (message or "").strip().splitlines()
    return lines[0][:200] if lines else None
