"""A client of document 001, written from that document alone."""

import json
import urllib.error
import urllib.request
from typing import Any
from xml.etree import ElementTree

SUCCESS = 0


class Refused(Exception):
    """The platform said no; `error` is its code."""

    def __init__(self, error: int, text: str) -> None:
        super().__init__(f"{error}: {text}")
        self.error = error


class Profiles:
    """The profiles of one database."""

    def __init__(self, address: str, token: str, *, db_id: int = 1, resource_id: int = 1) -> None:
        self._address = address
        self._parameters = {"token": token, "db_id": db_id, "resource_id": resource_id}

    def send(self, method: str, body: str, content_type: str = "application/json") -> bytes:
        """POST a body as it is; what came back."""
        request = urllib.request.Request(
            f"{self._address}/api/v1.1/{method}",
            body.encode(),
            {"Content-Type": content_type},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer: bytes = response.read()
        except urllib.error.HTTPError as error:
            answer = error.read()
        return answer

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a method.

        Raises:
            Refused: its error is not 0.
        """
        answer = json.loads(self.send(method, json.dumps({**self._parameters, **parameters})))
        if answer["error"] != SUCCESS:
            raise Refused(answer["error"], answer["error_text"])
        found: dict[str, Any] = answer
        return found

    def call_in_xml(self, method: str, body: str) -> tuple[int, str]:
        """The error and its text, where both body and answer are XML."""
        answer = self.send(f"{method}?format=xml", body, "application/xml")
        root = ElementTree.fromstring(answer)
        return int(root.findtext("error", "")), root.findtext("error_text", "")

    def save(self, email: str, **fields: Any) -> str:
        """Create or correct the profile with this e-mail address; its id."""
        answer = self.call("profiles/import", matching="email", email=email, data=fields)
        profile: str = answer["profile_id"]
        return profile

    def read(self, profile: str) -> dict[str, Any]:
        data: dict[str, Any] = self.call("profiles/get", profile_id=profile)["data"]
        return data

    def delete(self, profile: str) -> None:
        self.call("profiles/delete", profile_id=profile)
