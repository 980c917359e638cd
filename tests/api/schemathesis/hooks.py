"""What schemathesis has to be told of the service, besides the document.

All checks run, with what they expect by default. `filter_failure` names the failures that are none:
what OpenAPI has no word for, and each as narrowly as it can be.
"""

import csv
import io
import json
import re
from typing import Any

import requests
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import IgnoredAuth, RejectedPositiveData

from ingest.describe.bodies import written
from ingest.exactjson import dump_exact
from ingest.formats.negotiation import CSV, NDJSON, XML, from_json
from ingest.http.headers import BODY_PARAMETERS

_STORED = {40403, 40903, 40904, 41201, 43501, 44101}
"""Codes of items that what is stored, or another item of the request, refuses."""
_WITHOUT_VALUE = {42201, 42202}
"""Those of an item that has no value of the field which `matching` names."""
_TOO_MANY = 41302


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
    writer = csv.writer(text, lineterminator="\n")
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
    return value if isinstance(value, str) else _json(value).decode()


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether a failure is one."""
    if case.operation.path.startswith("/api/"):
        # These dialects answer with 200, and say in the document what went wrong.
        refused = _refused(response.text)
        if isinstance(failure, AcceptedNegativeData):
            return not refused
        if isinstance(failure, IgnoredAuth):
            return False  # `refuses_without_token` looks instead
    codes = set(map(int, _CODES.findall(response.text)))
    if isinstance(failure, RejectedPositiveData):
        matching = _WITHOUT_VALUE if "matching" in (case.query or {}) else set()
        return not codes or not codes <= _STORED | matching
    if isinstance(failure, AcceptedNegativeData):
        return codes != {_TOO_MANY}
    return True


@schemathesis.check
def refuses_without_token(context: Any, response: Any, case: Any) -> None:
    """What `ignored_auth` looks at, where it is the document that says so."""
    operation = case.operation
    if operation.path.startswith("/api/") and operation.label not in _LOOKED_AT:
        _LOOKED_AT.add(operation.label)
        sent = response.request
        headers = {name: each for name, each in sent.headers.items() if name != "Authorization"}
        got = requests.request(
            sent.method, sent.url, headers=headers, data=sent.body, timeout=60, verify=False
        )
        said = _SAID.search(got.text)
        assert said is None or said[1] in ("401", "40101"), got.text


_LOOKED_AT: set[str] = set()
_CODES = re.compile(r'\bcode(?:": ?| type="number">|: )([0-9]{5})\b')
"""The codes of errors in an answer, in each format."""
_SAID = re.compile(r'\b(?:status|error)(?:": ?| type="number">|: )([0-9]+)\b')


def _refused(text: str) -> bool:
    """Whether a document of the dialects `hash` and `rpc` says that the request was refused."""
    found = _SAID.search(text)
    return found is not None and found[1] != "0"
