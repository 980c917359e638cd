"""What the headers of a request say: its idempotency key, and what its body is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message

from aiohttp import web

from ingest.errors import InvalidKey, InvalidParameter, UnsupportedMediaType
from ingest.formats.charsets import check_charset, is_utf8
from ingest.formats.compression import parse_encodings
from ingest.formats.csv_options import CSV_PARAMETERS, csv_format
from ingest.formats.negotiation import CSV, JSON, REQUESTS, XML, BodyFormat
from ingest.formats.xml_options import XML_PARAMETERS, xml_format

_KEY = re.compile(r"[\x21-\x7e]{1,255}")

_PARAMETERS = {CSV: CSV_PARAMETERS, XML: XML_PARAMETERS}
BODY_PARAMETERS = CSV_PARAMETERS | XML_PARAMETERS
"""The query parameters that say how a body is read."""

_JSON = BodyFormat(JSON)
# To send JSON without saying so is the commonest mistake: many clients call it text, or a form.
_NAME_IT = (
    f"If the body is JSON, send the header `Content-Type: {JSON}` (with curl: "
    f"-H 'Content-Type: {JSON}'). Also read are {', '.join(REQUESTS[1:])}. "
    "`ingest load` sends workbooks, Parquet files and archives."
)


@dataclass(frozen=True, slots=True)
class BodyHead:
    """What is said of a body: its format, and the encodings to undo."""

    format: BodyFormat = _JSON
    encodings: tuple[str, ...] = ()
    problem: UnsupportedMediaType | None = None
    """Why its format is not read."""
    named: bool = True
    """Whether a Content-Type says what it is."""

    @property
    def content_type(self) -> str:
        """As far as it makes two requests different."""
        said = self.format.media_type
        if self.format.charset is not None:
            said += f"; charset={self.format.charset}"
        return said if self.format.has_header else f"{said}; header=absent"


def idempotency_key(headers: Sequence[str]) -> str | None:
    """The value of the `Idempotency-Key` headers, quoted or bare: 1 to 255 visible ASCII letters.

    Raises:
        InvalidKey: it is not that, or there are several.
    """
    if not headers:
        return None
    key = headers[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(headers) > 1 or not _KEY.fullmatch(key):
        raise InvalidKey(
            "The Idempotency-Key cannot be used",
            "Send one, of 1 to 255 visible ASCII characters, quoted or bare.",
        )
    return key


def body_head(request: web.Request) -> BodyHead:
    """What is said of the body; JSON where nothing is.

    Raises:
        UnsupportedEncoding: one of its encodings is not undone.
        InvalidParameter: a parameter of CSV beside another format, or with another value.
    """
    problem = None
    try:
        format_ = _body_format(request)
    except UnsupportedMediaType as error:  # of a body that may not even be there
        format_, problem = _JSON, error
    sent = request.headers.getall("Content-Encoding", ())
    encodings = parse_encodings(sent) if sent else ()
    return BodyHead(format_, encodings, problem, "Content-Type" in request.headers)


def _body_format(request: web.Request) -> BodyFormat:
    media_type = request.content_type if "Content-Type" in request.headers else JSON
    if media_type not in REQUESTS:
        raise UnsupportedMediaType(f"Bodies of type {media_type[:100]!r} are not read", _NAME_IT)
    charset = None if request.charset is None else check_charset(request.charset)
    if media_type not in (CSV, XML) and charset is not None:
        if not is_utf8(request.charset or ""):
            raise UnsupportedMediaType(
                f"{media_type} in the charset {request.charset!r} is not read", "Send UTF-8."
            )
        charset = None
    known = _PARAMETERS.get(media_type, frozenset())
    for name in BODY_PARAMETERS & request.query.keys() - known:
        types = " and ".join(each for each, names in _PARAMETERS.items() if name in names)
        raise InvalidParameter(
            f"The query parameter {name!r} is not known for {media_type}",
            f"It is for bodies of type {types}.",
        )
    if media_type == XML:
        return xml_format(charset, request.query)
    if media_type != CSV:
        return BodyFormat(media_type, charset)
    said = Message()
    said["Content-Type"] = request.headers["Content-Type"]
    header = said.get_param("header")
    return csv_format(charset, None if header is None else str(header).lower(), request.query)
