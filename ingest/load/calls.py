"""One request to the service, and what its answer means."""

import json
from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from ingest.exactjson import load_exact
from ingest.load.feed import LoadError

Alive = Callable[[], None]
"""Called by a body while it is sent: it goes on, so that its deadline moves."""
Body = Callable[[Alive], bytes | AsyncIterable[bytes]]

AGAIN = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request may have another answer."""

MAX_SHOWN = 500
"""Characters of a message that are shown."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    path: str
    what: str
    """What messages call it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request."""

    status: int
    document: dict[str, Any]
    replayed: bool = False
    """Whether it is the answer that an earlier request with the same key had."""


def is_temporary(answer: Answer) -> bool:
    """Whether the same request may have another answer later."""
    if answer.status == 409:
        return bool(answer.document.get("error", {}).get("code") == 40902)
    # A batch that the service could not commit is final: the answer would always be the same.
    final = answer.status == 500 and "batchId" in answer.document.get("metadata", {})
    return answer.status in AGAIN and not final


def checked(call: Call, answer: Answer) -> Answer:
    """The answer, where it is one about items.

    Raises:
        LoadError: it is about the request as a whole.
    """
    if answer.document.get("result") not in ("success", "partial", "failure"):
        raise refused(call, answer)
    return answer


def refused(call: Call, answer: Answer) -> LoadError:
    """What is raised where an answer refuses the request as a whole."""
    return LoadError(f"{call.what} was refused: {said(answer)}")


def said(answer: Answer) -> str:
    """What an answer says of the request as a whole, in one line."""
    error = answer.document.get("error")
    if not isinstance(error, dict):
        return f"status {answer.status}, which no document of the service explains"
    sentence = f"{error.get('code')} {error.get('name')}: {error.get('message')}"
    if error.get("description"):
        sentence += f". {error['description']}"
    return " ".join(sentence.split())[:MAX_SHOWN]


def document_of(body: bytes) -> dict[str, Any]:
    """What the service answered; nothing where it was no document of the service."""
    try:
        document = load_exact(body)
    except (orjson.JSONDecodeError, json.JSONDecodeError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def retry_after(value: str | None) -> float | None:
    """Seconds; a date, which the service never sends, is as good as nothing."""
    return float(value) if value and value.isascii() and value.isdigit() else None
