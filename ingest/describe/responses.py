"""Answers as the responses of an operation: by status, and in each status by media type.

Every answer is told by the dialects themselves, so statuses and documents are what is served.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import product
from typing import Any

import orjson

from ingest.describe import headers
from ingest.describe.answers import Said
from ingest.describe.components import Components, Object
from ingest.describe.documents import of
from ingest.describe.faces import PLAIN, Face
from ingest.dialects.answer import Context
from ingest.exactjson import dump_exact
from ingest.formats.negotiation import XML, YAML, from_json

_LINKS = {200: ("batch",), 201: ("batch", "item"), 202: ("batch",), 207: ("batch", "item")}
"""Which links an answer to a write has, by its status."""
_NAMING_A_BATCH = frozenset({"saved", "partial", "accepted"})
"""The answers that say where in them the links lead; only the default dialect's do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the answers of an operation have in common."""

    operation_id: str
    kind: str
    """What the names of responses begin with that other operations have too."""
    collection: str
    docs: str
    """Where the pages of errors are."""
    rated: bool
    """Whether a rate limit is set."""
    writes: bool = False
    single: bool = False
    links: Mapping[str, Any] = field(default_factory=dict)
    """Those of the answers to a write, by name."""


@dataclass(slots=True)
class _Told:
    said: Said
    face: Face
    format: str
    document: Any

    @property
    def media_type(self) -> str:
        """As `Accept` asks for it."""
        return self.format + self.face.suffix

    @property
    def schema(self) -> Object:
        return of(self.face.schema or self.said.schema)


class Responses:
    """Writes the responses of one operation."""

    def __init__(self, answered: Answered, components: Components) -> None:
        self._answered = answered
        self._components = components

    def of(self, *groups: tuple[Sequence[Said], Sequence[Face]]) -> Object:
        """The responses; those that show no items are components, as others have them too.

        Args:
            groups: answers, and the faces that they are told in.
        """
        found: dict[int, list[_Told]] = {}
        for said, faces in groups:
            for each, face in product(said, faces):
                self._tell(each, face, found)
        shown: Object = {}
        for status in sorted(found):
            response = self._response(status, found[status])
            if not any(each.said.of_items for each in found[status]):
                name = f"{self._answered.kind}{status}"
                own = f"{self._answered.operation_id}{status}"
                response = self._components.add("responses", name, response, own)
            shown[str(status)] = response
        shown["406"] = self._components.add("responses", "NotAcceptable", _not_acceptable())
        return shown

    def _tell(self, said: Said, face: Face, found: dict[int, list[_Told]]) -> None:
        answered = self._answered
        context = Context(
            collection=answered.collection,
            single=answered.single,
            extension=True,
            docs=answered.docs,
        )
        told = face.dialect.tell(said.answer, context)
        if told.document is None or (face.only_problems and told.media_type is None):
            return
        document = orjson.loads(dump_exact(told.document))
        same = found.setdefault(told.status, [])
        same += [_Told(said, face, media_type, document) for media_type in face.media_types]

    def _response(self, status: int, told: Sequence[_Told]) -> Object:
        answered = self._answered
        by_type: dict[str, list[_Told]] = {}
        for each in told:
            by_type.setdefault(each.media_type, []).append(each)
        names = headers.of_status(status, rated=answered.rated, writes=answered.writes)
        response: Object = {
            "description": HTTPStatus(status).phrase,
            "headers": headers.headers(*names),
            "content": {name: self._media(each) for name, each in by_type.items()},
        }
        leads = any(each.said.name in _NAMING_A_BATCH and each.face is PLAIN for each in told)
        linked = _LINKS.get(status, ()) if leads else ()
        if links := {name: answered.links[name] for name in linked if name in answered.links}:
            response["links"] = links
        return response

    def _media(self, told: Sequence[_Told]) -> Object:
        format_ = told[0].format
        # Where the same is said as in plain JSON, one example of each is enough.
        shown = told[:1] if format_ in (XML, YAML) or told[0].face.suffix else told
        examples = {each.said.name: self._example(each) for each in shown}
        schemas: list[Object] = []
        for each in told:
            if each.schema not in schemas:
                schemas.append(each.schema)
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        return {"schema": {"type": "string"} if format_ == XML else schema, "examples": examples}

    def _example(self, told: _Told) -> Object:
        """An example, as a component."""
        of_face = "" if told.face.dialect is PLAIN.dialect else f".{told.face.dialect.name}"
        of_format = "" if told.format not in (XML, YAML) else f".{told.format.rpartition('/')[2]}"
        name = f"{told.said.name}{of_face}{of_format}"
        own = f"{self._answered.operation_id}.{name}"
        value = _value(told.format, told.document)
        first = own if told.said.of_items else name
        return self._components.add("examples", first, {"value": value}, own)


def _value(format_: str, document: Any) -> Any:
    if format_ in (XML, YAML):
        return from_json(dump_exact(document), format_).decode()
    return document


def _not_acceptable() -> Object:
    return {
        "description": "The request admits no format that there is, or names an unknown dialect.",
        "headers": headers.headers("X-Trace-Id", "Vary"),
    }
