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
from ingest.errors import InternalError, MalformedBody, NotUnderstood, RequestError
from ingest.http.answers import drained, paced
from ingest.http.expectation import check_expectation, keeping_expectations
from ingest.http.responses import TRACE_HEADER, json_error
from ingest.http.security import SECURE_HEADERS, SERVER
from ingest.http.upgrades import Cutter

_Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class JsonRequestHandler(RequestHandler):
    """Answers malformed requests, which reach no middleware."""

    __slots__ = ("_broken", "_cutter")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._cutter = Cutter()
        self._broken = False  # where in what is still to come a request would begin is not known

    def data_received(self, data: bytes) -> None:
        if self._broken:
            return
        if not data:  # the parser goes on with what it has
            super().data_received(data)
        for part in self._cutter.cut(data):
            before = self._request_count
            super().data_received(part)
            if self._request_count > before and self._messages:
                self._cutter.parsed(*self._messages[-1])
                self._end_broken_body()
            else:
                self._cutter.parsed(None, None)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; the next request is handled when the client has read most of it.

        Else the answers to requests that are sent without reading any would add up.
        """
        sent, ended = await super().finish_response(request, resp, start_time)
        if not ended and self.writing_paused and isinstance(request, web.Request):
            try:
                async with paced(request) as pace:
                    await drained(request, pace)
            except ConnectionError:
                return sent, True
        return sent, ended

    def _end_broken_body(self) -> None:
        """Tell the handler that waits for a body that its next chunk is not valid HTTP.

        aiohttp keeps that for the time after the handler, which would wait until it times out.
        """
        problem = getattr(self._messages[-1][0], "exc", None)
        if problem is None:
            return
        if len(self._messages) > 1:
            body = self._messages[-2][1]
        elif self._current_request is not None:
            body = self._current_request.content
        else:
            return
        if not body.is_eof():
            self._messages.pop()
            body.set_exception(problem)
            body.feed_eof()
            self._broken = True

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
        return refusal(problem, trace_id)


def refusal(problem: RequestError, trace_id: str) -> web.Response:
    """The answer to what reaches no middleware; the connection ends with it."""
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
        handler = partial(_understood, plain.request_handler)
        make = keeping_expectations(plain.request_factory)
        return JsonServer(handler, request_factory=make, **arguments)


async def _understood(handler: _Handler, request: web.BaseRequest) -> web.StreamResponse:
    """Handle a request, unless it cannot be: that is known before any middleware runs."""
    try:
        check_expectation(request)
        _check_codings(request)
    except RequestError as problem:
        return refusal(problem, secrets.token_hex(16))
    return await handler(request)


def _check_codings(request: web.BaseRequest) -> None:
    """Raise NotUnderstood where the body has a transfer coding besides its chunks (RFC 9112, 6.1).

    The parser refuses all in which `chunked` is not the last one.
    """
    codings = ",".join(request.headers.getall("Transfer-Encoding", ())).lower().split(",")
    others = [each.strip() for each in codings if each.strip() not in ("", "chunked")]
    if others:
        raise NotUnderstood(
            f"The transfer coding {others[0][:50]!r} is not undone",
            "Send the body as it is or chunked; a compressed one has a Content-Encoding header.",
        )


def _reason(error: BaseException | None, message: str | None) -> str | None:
    """What is wrong with a request that is no valid HTTP; not what it has there."""
    if isinstance(error, LineTooLong):
        return "Its request line, or a header, is too long."
    lines = (message or "").strip().splitlines()
    return lines[0][:200] if lines else None
