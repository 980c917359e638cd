"""A client as "Response Format" (document 002) lets one be written.

It knows that document, where its paths begin, how to send a token and how to send JSON, and nothing
of this service.
"""

import datetime as dt
import json
import urllib.error
import urllib.request
from typing import Any
from xml.etree import ElementTree

import yaml

_OPERATION_SUCCESSFUL = 200


class FailedRequestError(Exception):
    """A status that is not 200."""

    def __init__(self, response: dict[str, Any]) -> None:
        self.status: int = response["status"]
        self.response = response
        # Promised for client errors only.
        self.error_name: str | None = response.get("error_name")
        self.error_message: str | None = response.get("error_message")
        self.more_info: str | None = response.get("more_info")
        super().__init__(f"{self.status} {self.error_name}: {self.error_message}")


class ImplementationError(FailedRequestError):
    """400: the fault is on this client."""


class LoginRequiredError(FailedRequestError):
    """401: a login form should be displayed."""


class ForbiddenError(FailedRequestError):
    """403: the user may not do this, or has reached a limit."""


class NotFoundError(FailedRequestError):
    """404: no resource exists for the id."""


class ServerStateError(FailedRequestError):
    """409: the stars were not aligned."""


class ServerError(FailedRequestError):
    """500: the server messed up."""


_FAILURES: dict[int, type[FailedRequestError]] = {
    400: ImplementationError,
    401: LoginRequiredError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ServerStateError,
    500: ServerError,
}


class Client:
    """Sends requests and gives their responses, which are hashes."""

    def __init__(self, base: str, token: str, format_: str) -> None:
        """Args: `format_` is json, xml or yaml; empty for none."""
        self._base = base.rstrip("/")
        self._token = token
        self._format = format_
        self.timestamp = dt.datetime.min.replace(tzinfo=dt.UTC)
        """Time of the last response."""

    def call(self, method: str, resource: str, items: Any = None, **headers: str) -> dict[str, Any]:
        """The response to a request that was successful.

        Args:
            resource: as in `/contacts` or `/contacts?limit=2`; the format is put behind the path.
        """
        path, question, query = resource.partition("?")
        extension = f".{self._format}" if self._format else ""
        url = f"{self._base}{path}{extension}{question}{query}"
        request = urllib.request.Request(url, method=method)  # http, as given
        request.add_header("Authorization", f"Bearer {self._token}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        if items is not None:
            request.data = json.dumps(items).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return self._response(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return self._response(error.code, error.read())

    def _response(self, status: int, body: bytes) -> dict[str, Any]:
        # Where the format is at fault, the response is in the first of the three.
        response = _PARSERS.get(self._format, json.loads)(body)
        if response["status"] != status:
            raise AssertionError(f"status is no duplication of {status}: {response}")
        self.timestamp = _time(response["timestamp"])
        if status != _OPERATION_SUCCESSFUL:
            raise _FAILURES[status](response)
        return dict(response)


def _time(value: Any) -> dt.datetime:
    """A field of type time; YAML has such a type of its own."""
    return value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)


def _from_xml(body: bytes) -> Any:
    return _element(ElementTree.fromstring(body))  # from the service itself


def _element(element: ElementTree.Element) -> Any:
    """A hash, a list or a text; what its `type` says of it, where it says something."""
    kind = element.get("type")
    if kind == "array":
        return [_element(each) for each in element]
    if kind == "object" or len(element):
        return {each.get("name", each.tag): _element(each) for each in element}
    if kind == "null":
        return None
    return json.loads(element.text or "") if kind in ("number", "boolean") else element.text or ""


_PARSERS = {"json": json.loads, "xml": _from_xml, "yaml": yaml.safe_load}
