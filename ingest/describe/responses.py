"""Answers as the responses of operations: by status, and in each status by media type.

Every answer is told by the dialects themselves, so statuses and documents are what is served. What
several operations answer is told once, and written once, among the components.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import product
from typing import Any

import orjson

from ingest.describe import headers
from ingest.describe.answers import SHOWING, Said
from ingest.describe.components import Components, Object
from ingest.describe.documents import of
from ingest.describe.faces import PLAIN, Face
from ingest.dialects import DIALECTS
from ingest.dialects.answer import Context
from ingest.exactjson import dump_exact
from ingest.formats.negotiation import JSON, XML, YAML, from_json

_RPC = DIALECTS["rpc"]
_LINKS = {200: ("batch",), 201: ("batch", "item"), 202: ("batch",), 207: ("batch", "item")}
"""Which links an answer to a write has, by its status."""
_NAMING_A_BATCH = frozenset({"saved", "partial", "accepted"})
"""The answers that say where in them the links lead; only the default dialect's do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the answers of an operation have in common."""

    operation_id: str
    kinds: tuple[str, ...]
    """What the names of responses begin with that other operations have too; the widest first."""
    collection: str
    shows: str
    """What the names of those begin with that show items, batches or failures."""
    writes: bool = False
    single: bool = False
    links: Mapping[str, Any] = field(default_factory=dict)
    """Those of the answers to a write, by name."""


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """An answer in one format of one dialect."""

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
    """Writes the responses of all operations of a document."""

    def __init__(self, components: Components, *, docs: str, rated: bool) -> None:
        """
        Args:
            docs: where the pages of errors are.
            rated: whether a rate limit is set.
        """
        self._components = components
        self._docs = docs
        self._rated = rated
        self._told: dict[Any, tuple[int, tuple[_Told, ...]]] = {}
        self._examples: dict[_Told, Object] = {}
        self._written: dict[Any, Object] = {}

    def of(self, answered: Answered, *groups: tuple[Sequence[Said], Sequence[Face]]) -> Object:
        """The responses of an operation.

        Args:
            groups: answers, and the faces that they are told in.
        """
        found: dict[int, list[_Told]] = {}
        for said, faces in groups:
            for each, face in product(said, faces):
                status, told = self._tell(answered, each, face)
                found.setdefault(status, []).extend(told)
        shown = {
            str(status): self._shared(answered, status, told)
            for status, told in sorted(found.items())
            if told
        }
        not_acceptable = self._components.add("responses", "NotAcceptable", value=_NOT_ACCEPTABLE)
        return {**shown, "406": not_acceptable}

    def _tell(self, answered: Answered, said: Said, face: Face) -> tuple[int, tuple[_Told, ...]]:
        same = (said.name, said.of, said.schema, face, answered.single)
        if same not in self._told:
            self._told[same] = self._tell_now(answered, said, face)
        return self._told[same]

    def _tell_now(
        self, answered: Answered, said: Said, face: Face
    ) -> tuple[int, tuple[_Told, ...]]:
        status, found = 0, list[_Told]()
        for media_type in face.media_types:
            whole = face.dialect is _RPC or (face is PLAIN and media_type == JSON)
            shown = said if whole or said.brief is None else said.brief
            context = Context(
                collection=answered.collection,
                single=answered.single,
                extension=True,
                docs=self._docs,
                minimal=shown.minimal,
            )
            told = face.dialect.tell(shown.answer, context)
            status = told.status
            if told.document is not None and (told.media_type or not face.only_problems):
                document = orjson.loads(dump_exact(told.document))
                found.append(_Told(shown, face, media_type, document))
        return status, tuple(found)

    def _shared(self, answered: Answered, status: int, told: Sequence[_Told]) -> Object:
        """A reference to the response of a status, which other operations may have, too."""
        links = self._links(answered, status, told)
        same = (status, answered.writes, answered.kinds, tuple(told), *links)
        if same not in self._written:
            own = any(
                each.said.of_items or (each.face is PLAIN and each.said.name in SHOWING)
                for each in told
            )
            families = (answered.shows,) if own else answered.kinds
            names = [f"{each}{status}" for each in (*families, answered.operation_id)]
            response = self._response(answered, status, told)
            if links:
                response["links"] = links
            self._written[same] = self._components.add("responses", *names, value=response)
        return self._written[same]

    def _links(self, answered: Answered, status: int, told: Sequence[_Told]) -> Object:
        leads = any(each.said.name in _NAMING_A_BATCH and each.face is PLAIN for each in told)
        linked = _LINKS.get(status, ()) if leads else ()
        return {name: answered.links[name] for name in linked if name in answered.links}

    def _response(self, answered: Answered, status: int, told: Sequence[_Told]) -> Object:
        by_type: dict[str, list[_Told]] = {}
        for each in told:
            by_type.setdefault(each.media_type, []).append(each)
        names = headers.of_status(status, rated=self._rated, writes=answered.writes)
        return {
            "description": HTTPStatus(status).phrase,
            "headers": headers.headers(*names),
            "content": {name: self._media(answered, each) for name, each in by_type.items()},
        }

    def _media(self, answered: Answered, told: Sequence[_Told]) -> Object:
        format_ = told[0].format
        # Where the same is said as in plain JSON, one example of each is enough.
        shown = told[:1] if format_ in (XML, YAML) or told[0].face.suffix else told
        if told[0].face.alone:  # it has every error in one status
            several = [each for each in shown if each.said.of]
            shown = [*several, *(each for each in shown if not each.said.of)][: len(several) + 1]
        examples = {each.said.name: self._example(answered, each) for each in shown}
        schemas: list[Object] = []
        for each in told:
            if each.schema not in schemas:
                schemas.append(each.schema)
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        return {"schema": {"type": "string"} if format_ == XML else schema, "examples": examples}

    def _example(self, answered: Answered, told: _Told) -> Object:
        """An example, as a component."""
        if told not in self._examples:
            self._examples[told] = self._add_example(answered, told)
        return self._examples[told]

    def _add_example(self, answered: Answered, told: _Told) -> Object:
        of_face = "" if told.face.dialect is PLAIN.dialect else f".{told.face.dialect.name}"
        of_format = "" if told.format not in (XML, YAML) else f".{told.format.rpartition('/')[2]}"
        name = f"{told.said.name}{of_face}{of_format}"
        own = [f"{each}.{name}" for each in (told.said.of, answered.operation_id) if each]
        names = own if told.said.of_items else [name, *own]
        value = _value(told.format, told.document)
        return self._components.add("examples", *names, value={"value": value})


def _value(format_: str, document: Any) -> Any:
    if format_ in (XML, YAML):
        return from_json(dump_exact(document), format_).decode()
    return document


_NOT_ACCEPTABLE = {
    "description": "The request admits no format that there is, or names an unknown dialect.",
    "headers": headers.headers("X-Trace-Id", "Vary"),
}
