"""A client as "API Version 1.2, Response message format" (document 000) lets one be written.

It knows that document, how to send a token and how to send JSON, and nothing of this service.
"""

import json
import urllib.error
import urllib.request
from typing import Any
from xml.etree import ElementTree

import yaml

_VIEWS = ("tags", "statuses", "sales")
_NOT_ACCEPTABLE = 406


class OperationFailedError(Exception):
    """An operation whose status is not 0; `data` is what was returned with it, if anything."""

    def __init__(self, status: int, message: str, data: Any) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.data = data


class NotAcceptableError(Exception):
    """The format was not specified, or is invalid: an empty response."""


class Client:
    """Calls operations, and keeps the views that are to be updated whenever they occur."""

    def __init__(self, url: str, token: str, format_: str) -> None:
        """Args: `format_` is xml, json or yaml."""
        self._url = url.rstrip("/")
        self._token = token
        self._format = format_
        self.view: dict[str, Any] = {}
        """The last `tags`, `statuses` and `sales`."""
        self.notifications: list[str] = []
        """Those of the last response."""
        self.message = ""
        """That of the last response."""
        self.server_time = ""

    def call(self, method: str, resource: str, items: Any = None) -> Any:
        """The operation's result: the element `data`, None where there is none.

        Args:
            resource: as in `contacts` or `contacts?limit=2`; the format is put behind its name.
        """
        name, question, query = resource.partition("?")
        url = f"{self._url}/api/{name}.{self._format}{question}{query}"
        request = urllib.request.Request(url, method=method)  # http, as given
        request.add_header("Authorization", f"Bearer {self._token}")
        if items is not None:
            request.data = json.dumps(items).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                body = response.read()
        except urllib.error.HTTPError as error:
            with error:
                body = error.read()
            if error.code == _NOT_ACCEPTABLE and not body:
                raise NotAcceptableError from None
        return self._result(_PARSERS[self._format](body))

    def _result(self, response: dict[str, Any]) -> Any:
        self.server_time = response["timestamp"]
        self.message = response["message"]
        self.notifications = response.get("notifications", [])
        self.view |= {name: response[name] for name in _VIEWS if name in response}
        if response["status"] != 0:
            raise OperationFailedError(response["status"], self.message, response.get("data"))
        return response.get("data")


def _from_xml(body: bytes) -> Any:
    return _element(ElementTree.fromstring(body))  # from the service itself


def _element(element: ElementTree.Element) -> Any:
    """A map, a list or a text; what its `type` says of it, where it says something."""
    kind = element.get("type")
    if kind == "array":
        return [_element(each) for each in element]
    if kind == "object" or len(element):
        return {each.get("name", each.tag): _element(each) for each in element}
    if kind == "null":
        return None
    return json.loads(element.text or "") if kind in ("number", "boolean") else element.text or ""


_PARSERS = {"json": json.loads, "xml": _from_xml, "yaml": yaml.safe_load}
