"""What schemathesis has to be told of the service, besides the document.

All checks run, with what they expect by default. `filter_failure` names the failures that are none:
what OpenAPI has no word for, and each as narrowly as it can be.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import requests
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.parameters import ParameterLocation
from schemathesis.openapi.checks import (
    AllowHeaderMismatch,
    IgnoredAuth,
    MissingHeaderNotRejected,
    RejectedPositiveData,
    UndefinedStatusCode,
    UnsupportedMethodResponse,
)

from ingest.describe.bodies import written
from ingest.exactjson import dump_exact
from ingest.formats.negotiation import CSV, NDJSON, XML, from_json
from ingest.http.headers import BODY_PARAMETERS

_STORED = {40403, 40903, 40904, 41201, 41202, 42220, 43501, 44101}
"""What is refused for what was sent before, or for another item of the request."""
_CANNOT_CHANGE = 42210
"""The key of an item that `matching` has found."""
_NOT_STORABLE = 42209
"""A NUL, and what else no text, number or time may be: schemas have words for it."""
_IN_WORDS = {"meta.group"}
"""Fields with rules that JSON Schema has only words for."""
_NO_POINT = (42203, "age")
"""A strict integer takes 35 and not 35.0; JSON Schema has words alone for it (`x-ingest`)."""
_TOO_MANY = 41302
_OTHER_ATTEMPT = 41202
"""`If-Match` decides before a body is read (RFC 9110, 13.2.1). schemathesis takes 409 and 428 for a
refusal, and not 412, which stands between them."""
_LONG = 8_000  # bytes of a URL that no HTTP server has to take (RFC 9110, 4.1)
_NOT_ALLOWED = 40501


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Leave out the parameters that say how CSV and XML are read: with JSON they are 40002.

    OpenAPI cannot say that a parameter belongs to one media type of the body.
    """
    for path in raw_schema["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "parameters" in operation:
                operation["parameters"] = [
                    each
                    for each in operation["parameters"]
                    if each.get("$ref", "").rpartition("/")[2] not in BODY_PARAMETERS
                ]


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Ask for each media type that GET answers in turn: schemathesis takes any."""
    answer = case.operation.responses.get("200")
    if case.method == "GET" and answer is not None and "Accept" not in case.headers:
        # The dialects answer errors in ways of their own.
        found = [each for each in answer.definition.get("content", {}) if ";" not in each]
        turn = _ASKED[case.operation.label] = _ASKED[case.operation.label] + 1
        case.headers["Accept"] = found[turn % len(found)]


_ASKED = Counter[str]()


@schemathesis.serializer(NDJSON)
def as_ndjson(context: Any, value: Any) -> bytes:
    items = value if isinstance(value, list) else [value]
    return _text(value) or b"".join(_json(each) + b"\n" for each in items)


@schemathesis.serializer(XML)
def as_xml(context: Any, value: Any) -> bytes:
    if isinstance(value, dict):
        return _text(value) or written([value], XML, alone=True).encode()
    return _text(value) or from_json(_json(value), XML)


@schemathesis.serializer(CSV)
def as_csv(context: Any, value: Any) -> bytes:
    """Rows under the names of all items; lists and objects are JSON in their cells."""
    if text := _text(value):
        return text
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in items):
        return _json(value)
    names = list(dict.fromkeys(name for each in items for name in each))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([names, *([_cell(each.get(name, "")) for name in names] for each in items)])
    return text.getvalue().encode(errors="surrogatepass")


def _text(value: Any) -> bytes:
    """An example, which is written already."""
    return value.encode() if isinstance(value, str) else b""


def _json(value: Any) -> bytes:
    try:
        return dump_exact(value)
    except TypeError:  # a lone surrogate, an integer beyond 64 bits
        return json.dumps(value).encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value).decode()


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether a failure is one."""
    if case.operation.path.startswith("/api/") and _excused_by_document(failure, response):
        return False
    codes = set(map(int, _CODES.findall(response.text)))
    if isinstance(failure, UndefinedStatusCode):
        return response.status_code != HTTPStatus.BAD_REQUEST or len(response.request.url) < _LONG
    if isinstance(failure, RejectedPositiveData) and _is_borrowed(case):
        return False
    if isinstance(failure, RejectedPositiveData):
        unsaid = _unsaid(case.media_type, case.body)
        # The field that `matching` names may not be left out, and bare items have its rules.
        matching = (case.query or {}).get("matching")
        stored = _STORED if matching is None else {*_STORED, _CANNOT_CHANGE}
        found = [*_errors(response.text)]
        excused = {code for code, field in found if field in {matching, *_IN_WORDS} - {None}}
        excused |= {code for code, field in found if (code, field) == _NO_POINT}
        return not codes or not codes <= stored | unsaid | excused | {_NOT_STORABLE}
    if isinstance(failure, AcceptedNegativeData) and codes == {_OTHER_ATTEMPT}:
        return _wrong(case) != [ParameterLocation.BODY]
    if isinstance(failure, AcceptedNegativeData):
        return codes != {_TOO_MANY} and not _is_text(case)
    if isinstance(failure, UnsupportedMethodResponse):
        return codes != {_NOT_ALLOWED}  # the dialect `data` has no 405
    if isinstance(failure, AllowHeaderMismatch):
        return not set(failure.missing_methods) <= _only_in_data(case.operation)
    return True


def _excused_by_document(failure: Any, response: Any) -> bool:
    """Whether a document of `hash` or `rpc` says what a status is to say: theirs are 200."""
    if isinstance(failure, IgnoredAuth):
        return True  # `refuses_without_token` looks instead
    kinds = (AcceptedNegativeData, MissingHeaderNotRejected, UnsupportedMethodResponse)
    return isinstance(failure, kinds) and _said(response.text) != 0


def _is_borrowed(case: Any) -> bool:
    """Whether a path has the format of another one: the stateful phase goes on with the parameters
    that it has seen by their names, whatever the schema says of them."""
    declared = case.operation.path_parameters.get("extension")
    sent = case.path_parameters.get("extension")
    return declared is not None and sent not in declared.definition["schema"]["enum"]


def _unsaid(media_type: str, body: Any) -> set[int]:
    """The codes that a body may get because a format has no word for it."""
    if media_type not in (NDJSON, CSV):
        return set()
    items = body if isinstance(body, list) else [body]
    if all(
        each == {} for each in items
    ):  # there is no empty collection, and no item without fields
        return {40001}
    if media_type == NDJSON:
        return set()
    pairs = [pair for each in items if isinstance(each, dict) for pair in each.items()]
    found = set()
    if any(value in ("", None) for _, value in pairs):  # it is an empty cell, and so not there
        found.add(42201)
    if any(not name.strip() for name, _ in pairs):  # a column has a name
        found.add(42204)
    return found


def _is_text(case: Any) -> bool:
    """Whether only the body is wrong, in a format of texts: they are read as the schema has them.

    What is no text in JSON, such as `"5"` for a number, is right there; and an empty one is absent.
    """
    return case.media_type in (CSV, XML) and _wrong(case) == [ParameterLocation.BODY]


def _wrong(case: Any) -> list[ParameterLocation]:
    """Where a request is not as the document has it."""
    return [place for place in ParameterLocation if case.meta.is_negative_at(place)]


def _only_in_data(operation: Any) -> set[str]:
    """The methods of a path that other dialects than `data` do not have, and so do not name."""
    found = operation.schema.raw_schema["paths"][operation.path]
    return {
        method.upper()
        for method, each in found.items()
        if isinstance(each, dict) and "405" in each.get("responses", {})
    }


@schemathesis.check
def refuses_without_token(context: Any, response: Any, case: Any) -> None:
    """What `ignored_auth` looks at, where it is the document that says so."""
    operation, sent = case.operation, response.request
    if not operation.path.startswith("/api/") or operation.label in _LOOKED_AT:
        return
    if _said(response.text) == 0 and "token=" not in sent.url:
        _LOOKED_AT.add(operation.label)
        headers = {name: each for name, each in sent.headers.items() if name != "Authorization"}
        got = requests.request(sent.method, sent.url, headers=headers, data=sent.body, timeout=60)
        assert _said(got.text) in (401, 40101), got.text


_LOOKED_AT: set[str] = set()
_CODES = re.compile(r'\bcode(?:": ?| type="number">|: )([0-9]{5})\b')
"""The codes of errors in an answer, in each format."""
_FIELD = re.compile(r'\bfield(?:": ?"|>|: )([^"<\n]*)')
_SAID = re.compile(r'\b(?:status|error)(?:": ?| type="number">|: )([0-9]+)\b')


def _errors(text: str) -> Iterator[tuple[int, str | None]]:
    """The code of each error in an answer, and its field."""
    _, *parts = _CODES.split(text)
    for code, rest in zip(parts[::2], parts[1::2], strict=True):
        field = _FIELD.search(rest)
        yield int(code), None if field is None else field[1]


def _said(text: str) -> int | None:
    """What a document of the dialects `hash` and `rpc` says: 0 for success, else a code."""
    found = _SAID.search(text)
    return None if found is None else int(found[1])
