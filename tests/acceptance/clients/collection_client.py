"""A client as "API Responses" (document 003) lets one be written.

It knows that document, how to send a token and how to send JSON, and nothing of this service.
"""

import json
import math
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

STATUS_CODES = {
    200: "Request was understood and processed",
    400: "Request was not understood",
    401: "Missing or invalid client credentials",
    403: "Operation not permitted",
    404: "Non-existing endpoint or item",
    405: "Request method is not allowed",
    422: "Request was not processed due to client error",
    500: "Request was not processed due to API error",
}
ERROR_TYPES = {"system", "client", "syntax", "content", "permission", "validation"}


class UndocumentedError(Exception):
    """A response that is none of those of the document."""


@dataclass(frozen=True)
class ErrorObject:
    """An `error` object."""

    type: str
    code: int
    message: str
    description: str | None
    field: str | None

    @classmethod
    def of(cls, shown: dict[str, Any]) -> "ErrorObject":
        if shown["type"] not in ERROR_TYPES or type(shown["code"]) is not int:
            raise UndocumentedError(shown)
        field = shown.get("field")
        return cls(shown["type"], shown["code"], shown["message"], shown.get("description"), field)


class FatalError(Exception):
    """The request has not been processed due to a fatal error."""

    def __init__(self, status: int, error: ErrorObject) -> None:
        super().__init__(f"{STATUS_CODES[status]}: {error.message}")
        self.status = status
        self.error = error


@dataclass(frozen=True)
class Invalid:
    """An item that was not processed, and its place in the request."""

    index: int
    raw_data: Any
    errors: list[ErrorObject]


class FailureError(Exception):
    """Some or all incoming items have caused processing errors. No items have been saved."""

    def __init__(self, valid: list[int], invalid: list[Invalid]) -> None:
        super().__init__(f"{len(invalid)} items are invalid")
        self.valid = valid
        self.invalid = invalid


class Client:
    """Sends collections of items, and reads pages of them."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def send(self, method: str, path: str, items: list[Any]) -> list[Any]:
        """The processed items, in the order of `items`."""
        response = self._call(method, path, items)
        metadata = response["metadata"]
        if metadata["receivedItemsCount"] != len(items):
            raise UndocumentedError(metadata)
        if response["result"] == "failure":
            raise _failure(response)
        if metadata["validItems"] != [*range(len(items))] or metadata["invalidItems"] != []:
            raise UndocumentedError(metadata)
        return _collection(response)

    def item(self, path: str) -> Any:
        """One item, which is a page of one record."""
        response = self._call("GET", path)
        if response["metadata"]["recordsCount"] != 1:
            raise UndocumentedError(response["metadata"])
        return _processed(response)

    def pages(self, path: str, limit: int) -> Iterator[list[Any]]:
        """All pages; a page number that the response does not have is never reached."""
        number, count = 1, 1
        while number <= count:
            response = self._call("GET", f"{path}?limit={limit}&offset={limit * (number - 1)}")
            metadata = response["metadata"]
            records, count = metadata["recordsCount"], metadata["pagesCount"]
            counted = (metadata["page"], metadata["recordsPerPage"], math.ceil(records / limit))
            if counted != (number, limit, count):
                raise UndocumentedError(metadata)
            yield _collection(response)
            number += 1

    def _call(self, method: str, path: str, items: list[Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(f"{self._url}/v1/{path}", method=method)
        request.add_header("Authorization", f"Bearer {self._token}")
        if items is not None:
            request.data = json.dumps(items).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                status, body = refused.code, refused.read()
        response = json.loads(body)
        if status not in STATUS_CODES or not isinstance(response, dict):
            raise UndocumentedError(status, response)
        result = response["result"]
        if result == "error":
            raise FatalError(status, ErrorObject.of(response["error"]))
        expected = {"success": 200, "failure": 422}
        if expected.get(result) != status or (method, result) == ("GET", "failure"):
            raise UndocumentedError(status, response)
        return response


def _failure(response: dict[str, Any]) -> FailureError:
    metadata = response["metadata"]
    pairs = zip(metadata["invalidItems"], response["failures"], strict=True)
    invalid = [
        Invalid(index, each["rawData"], [ErrorObject.of(error) for error in each["errors"]])
        for index, each in pairs
    ]
    if not invalid or not all(each.errors for each in invalid):
        raise UndocumentedError(response)
    return FailureError(metadata["validItems"], invalid)


def _collection(response: dict[str, Any]) -> list[Any]:
    """The collection of processed items."""
    found = _processed(response)
    if not isinstance(found, list):
        raise UndocumentedError(found)
    return found


def _processed(response: dict[str, Any]) -> Any:
    """What holds the processed items; the document does not say what it is called."""
    own = ("metadata", "notifications")
    [found] = [
        value
        for name, value in response.items()
        if name not in own and isinstance(value, list | dict)
    ]
    return found
