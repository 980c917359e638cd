"""Bodies that are not what their media type says: a workbook as JSON, gzip without its header."""

from typing import TYPE_CHECKING, Any

from ingest.errors import MalformedBody
from ingest.formats.negotiation import CSV, XML, YAML, BodyFormat
from ingest.formats.signatures import BYTE_ORDER_MARKS, ENOUGH, TEXTS, Content, recognized

if TYPE_CHECKING:
    from ingest.formats.decoding import Decoder

_NAME_CHARSET = "Send UTF-8, or name the charset: `Content-Type: text/csv; charset=utf-16-le`."


def misnamed(start: bytes, body: BodyFormat) -> MalformedBody | None:
    """What is to be said of a body that begins like that and cannot be read.

    Args:
        start: its first bytes, `ENOUGH` of them or all there are.

    Returns:
        None where it may be what its media type says.
    """
    found = recognized(start[:ENOUGH])
    if found is None or (body.media_type == XML and found in {*TEXTS, Content.HTML}):
        return None
    remedy = found.remedy
    if found in TEXTS and body.media_type in (CSV, YAML):
        if body.charset is not None or start.startswith(BYTE_ORDER_MARKS):
            return None
        remedy = _NAME_CHARSET if body.media_type == CSV else remedy
    return MalformedBody(f"The body is {found.said}", remedy)


class CheckedStart:
    """A decoder of a stream whose first bytes are looked at before it gets them."""

    single = False

    def __init__(self, decoder: "Decoder", body: BodyFormat) -> None:
        self._decoder = decoder
        self._format = body
        self._start: bytes | None = b""

    @property
    def line(self) -> int:
        return self._decoder.line

    @property
    def columns(self) -> tuple[str, ...] | None:
        return self._decoder.columns

    def feed(self, piece: bytes) -> list[Any]:
        if self._start is None:
            return self._decoder.feed(piece)
        self._start += piece
        return [] if len(self._start) < ENOUGH else self._begin()

    def end(self) -> list[Any]:
        return self._begin() + self._decoder.end()

    def _begin(self) -> list[Any]:
        """Hand on what was held back."""
        start, self._start = self._start, None
        if not start:
            return []
        problem = misnamed(start, self._format)
        if problem is not None:
            raise problem
        return self._decoder.feed(start)
