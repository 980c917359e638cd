"""A client as "Request and Response Patterns" (document 004) lets one be written.

It knows that document, how to send a token and where the API is, and nothing of this service.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

_MOST = 1000  # "The maximum number of items returned in a request is 1,000."
_SUCCESS = {"GET": 200, "PUT": 200, "DELETE": 200, "POST": 201}
_TRIES = 6


class ApiError(Exception):
    """A response that is no success; `trace_id` is for the question of why."""

    def __init__(self, status: int, trace_id: str, body: Any) -> None:
        super().__init__(f"{status} (trace {trace_id}): {body}")
        self.status = status
        self.trace_id = trace_id
        self.body = body


class MissingAuthenticationError(ApiError):
    """401: no API key provided."""


class ForbiddenError(ApiError):
    """403: the token is not authorized to perform the action, or is invalid."""


class InvalidRequestError(ApiError):
    """400: bad parameters or invalid request data."""


class ThrottledError(ApiError):
    """429: too many requests, and retries did not help."""


class ServerError(ApiError):
    """500: to be notified."""


_ERRORS: dict[int, type[ApiError]] = {
    400: InvalidRequestError,
    401: MissingAuthenticationError,
    403: ForbiddenError,
    429: ThrottledError,
    500: ServerError,
}


class Client:
    """Lists, creates, updates and deletes objects."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self.trace_id = ""
        """That of the last response."""
        self.throttled = 0
        """How often a request was throttled and tried again."""
        self.pagination: dict[str, int] = {}
        """That of the last list."""

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, query)

    def create(self, path: str, objects: Any) -> Any:
        return self._call("POST", path, {}, objects)

    def update(self, path: str, properties: Any) -> Any:
        """Change the properties that are provided, and no others."""
        return self._call("PUT", path, {}, properties)

    def delete(self, path: str, objects: Any = None) -> Any:
        return self._call("DELETE", path, {}, objects)

    def everything(self, path: str, limit: int = _MOST, **query: Any) -> Iterator[Any]:
        """All objects of a list, page by page."""
        offset = 0
        while True:
            page = self.get(path, limit=limit, offset=offset, **query)
            yield from page
            offset += len(page)
            if offset >= self.pagination["total"]:
                return

    def _call(self, method: str, path: str, query: dict[str, Any], body: Any = None) -> Any:
        for number in range(1, _TRIES + 1):
            status, document = self._send(method, path, query, body)
            if status == _SUCCESS[method]:
                self.pagination = document.get("pagination", self.pagination)
                return document["data"]
            if status != 429 or number == _TRIES:
                break
            self.throttled += 1
            time.sleep(0.1 * 2**number)
        raise _ERRORS[status](status, self.trace_id, document)

    def _send(self, method: str, path: str, query: dict[str, Any], body: Any) -> tuple[int, Any]:
        question = f"?{urlencode(query, safe=',-')}" if query else ""
        request = urllib.request.Request(f"{self._url}/{path}{question}", method=method)
        if self._token is not None:
            request.add_header("Authorization", f"Bearer {self._token}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return self._read(response)
        except urllib.error.HTTPError as error:
            with error:
                return self._read(error)

    def _read(self, response: Any) -> tuple[int, Any]:
        self.trace_id = response.headers["X-Trace-Id"]
        return response.status, json.loads(response.read())
