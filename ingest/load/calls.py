"""One request to the service, and what its answer means."""

from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.exactjson import load_exact
from ingest.load.errors import LoadError
from ingest.load.wording import in_words_of_files

Alive = Callable[[], None]
"""Called by a body after each piece that is sent: it moves the deadline."""
Body = Callable[[Alive], bytes | AsyncIterable[bytes]]

MAX_SHOWN = 500
"""Characters of a message that are shown."""
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    method: str
    path: str
    what: str
    """Its name in messages."""
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    compress: str | None = None
    """The content encoding of the body."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service answered."""

    status: int
    document: dict[str, Any]
    replayed: bool = False
    """Whether it is the answer that an earlier request with the same key had."""
    retry_after: float = 0
    """Seconds to wait before the next try."""

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may have another answer later."""
        if self.status == 409:
            return bool(self.document.get("error", {}).get("code") == 40902)
        # A batch that the service could not commit is final: the answer would always be the same.
        final = self.status == 500 and "batchId" in self.document.get("metadata", {})
        return self.status in _RETRIED and not final

    @property
    def sentence(self) -> str:
        """What it says of the request as a whole, in one line."""
        error = self.document.get("error")
        if not isinstance(error, dict):
            return f"status {self.status}, which no document of the service explains"
        sentence = f"{error.get('code')} {error.get('name')}: {error.get('message')}"
        if error.get("description"):
            sentence += f". {error['description']}"
        return in_words_of_files(" ".join(sentence.split()))[:MAX_SHOWN]

    def checked(self, call: Call) -> "Answer":
        """This answer, if it is about items.

        Raises:
            LoadError: it refuses `call` as a whole.
        """
        if self.document.get("result") not in ("success", "partial", "failure"):
            raise self.refusal(call)
        return self

    def refusal(self, call: Call) -> LoadError:
        return LoadError(f"{call.what} was refused: {self.sentence}")


def document_of(body: bytes) -> dict[str, Any]:
    """The document in the body of an answer; empty where the service did not write it."""
    try:
        document = load_exact(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
