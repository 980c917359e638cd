"""What a resource's JSON Schema and the service say of an item, and whether they may disagree."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import jsonschema
from jsonschema import ValidationError
from jsonschema.validators import extend
from marshmallow import missing

from ingest import Resource
from ingest.describe.definitions import MATCHING
from ingest.describe.json_schema import STORED, Kind, json_schema
from ingest.describe.notes import rules_of
from ingest.describe.numbers import FRACTION
from ingest.describe.own_code import DECIDES, LAST_WORD, PREPARES
from ingest.errors import INVALID, NOT_STORABLE
from ingest.exactjson import dump_exact
from ingest.model import Action, Options
from ingest.resources.dumping import showing_nulls
from ingest.resources.exact import json_form
from ingest.resources.identity import alters
from ingest.resources.leaving_out import forbidden_null, left_out, schemas_in
from ingest.resources.records import InvalidItem
from ingest.validation.items import ItemValidator

Errors = Sequence[tuple[int, str]]
"""Code and path of each error of an item."""
_RAISED = (INVALID.code, "")
"""Of an item of which code of the user's raised something else than ValidationError."""
_LAST_WORDS = {DECIDES, *(LAST_WORD.format(each) for each in ("object", "list"))}
_HOOKS = {PREPARES, LAST_WORD.format("object")}
_Speaks = Callable[[Iterable[str]], bool]
_PART = re.compile(r"\\.|\$")


@lru_cache(maxsize=4096)
def ecma(pattern: str) -> "re.Pattern[str]":
    """A pattern of ours for Python, whose $ also stands before a last line break."""
    return re.compile(_PART.sub(lambda part: r"\Z" if part[0] == "$" else part[0], pattern))


def _pattern(_: Any, pattern: str, text: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(text, str) and not ecma(pattern).search(text):
        yield ValidationError(f"{text!r} does not match {pattern!r}")


_Checker: Any = extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


class Oracle:
    """Compares, for one resource."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self.documents = {kind: _document(resource, kind) for kind in Kind}
        self._checkers = {kind: _Checker(each) for kind, each in self.documents.items()}
        self._has_defaults = any(
            field.load_default is not missing
            for schema in schemas_in(resource.schema)
            for field in schema.load_fields.values()
        )
        self._validators = {
            Kind.CREATE: ItemValidator(resource, Action.CREATE, Options()),
            Kind.PATCH: ItemValidator(resource, Action.UPDATE, Options()),
        }

    def takes(self, kind: Kind, item: Any) -> bool:
        """Whether the schema takes an item."""
        return bool(self._checkers[kind].is_valid(item))

    def why_not(self, kind: Kind, item: Any) -> list[str]:
        """What the schema says against an item that GET shows.

        Code with the last word on a value may have made another form of it than the field shows.
        """
        return [
            f"{each.json_path}: {each.message}"
            for each in self._checkers[kind].iter_errors(item)
            if not self._is_made(kind, each)
        ]

    def _is_made(self, kind: Kind, error: ValidationError) -> bool:
        document, path = self.documents[kind], ".".join(map(str, error.absolute_path))
        said = _along(document, document, path)
        return any(_LAST_WORDS.intersection(rules_of(each)) for each in said)

    def errors(self, kind: Kind, item: Any) -> Errors:
        """What the service says against an item."""
        try:
            self._validators[kind].check(0, json.loads(json.dumps(item)))
        except InvalidItem as invalid:
            return [(each.code.code, each.field or "") for each in invalid.errors]
        return []

    def unexcused(self, kind: Kind, errors: Errors, item: Any) -> Errors:
        """Those of the service's errors that no rule in words of the schema speaks of."""
        narrow = {FRACTION} if _has_no_whole_floats(item) else set()
        is_ascii = json.dumps(item, ensure_ascii=False).isascii()

        def speaks(rules: Iterable[str]) -> bool:
            return any(
                rule not in narrow and not (is_ascii and "beyond ascii" in rule.lower())
                for rule in rules
            )

        return [
            (code, path)
            for code, path in errors
            if code != NOT_STORABLE.code
            and not self._is_another_key(path, item)
            and not self._in_words(self.documents[kind], path, speaks)
            and not ((code, path) == _RAISED and self._may_raise(kind))
        ]

    def _is_another_key(self, path: str, item: Any) -> bool:
        key = self._resource.key
        return path == key.data_key and alters(key.field, item.get(path))

    def _may_raise(self, kind: Kind) -> bool:
        """Whether there is a default that was never checked, or a rule that is only in words."""
        found = self.documents[kind]
        nested = [each for name, each in found["$defs"].items() if name != "meta"]
        return self._has_defaults or any(map(rules_of, _below([found["properties"], *nested])))

    def _in_words(self, document: Mapping[str, Any], path: str, speaks: _Speaks) -> bool:
        # Of the whole, all but what is true of every resource.
        own = {*rules_of(dict(document))} - {STORED, MATCHING}
        return bool(own) or speaks(
            rule for each in _along(document, document, path) for rule in rules_of(each)
        )

    def shown(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """What GET shows of a new item. Raises whatever user code raises."""
        resource = self._resource
        key = resource.key.data_key
        apart = {"meta", key} if resource.key_apart else {"meta"}
        body = {name: value for name, value in item.items() if name not in apart}
        loaded = resource.schema.load(json.loads(json.dumps(body)))
        dumped = json_form(showing_nulls(resource.schema).dump(loaded))
        shown: dict[str, Any] = left_out(resource.schema, dumped, forbidden_null)
        if resource.server_key and shown.get(key) is None:
            shown[key] = 1 if resource.database_key else "0191d7a0-0000-7000-8000-00000000abcd"
        return dict(json.loads(dump_exact(shown)))

    def some_of(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """Every other member of an item, and its key."""
        key = self._resource.key.data_key
        names = {key, *list(shown)[::2]}
        return {name: value for name, value in shown.items() if name in names}


def _has_no_whole_floats(item: Any) -> bool:
    if isinstance(item, dict):
        return all(map(_has_no_whole_floats, item.values()))
    if isinstance(item, list):
        return all(map(_has_no_whole_floats, item))
    return not (isinstance(item, float) and item.is_integer())


def _below(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(document, dict):
        yield document
        for each in document.values():
            yield from _below(each)
    if isinstance(document, list):
        for each in document:
            yield from _below(each)


def _document(resource: Resource, kind: Kind) -> dict[str, Any]:
    document = json.loads(dump_exact(json_schema(resource, kind, "http://x.example")))
    if kind in (Kind.CREATE, Kind.ITEM):  # the others are like these
        _Checker.check_schema(document)
    return dict(document)


def _along(document: Mapping[str, Any], schema: Any, path: str | None) -> Iterator[dict[str, Any]]:
    """The schemas that speak of the value at a path below one, and of what it stands in."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        target = document["$defs"][schema["$ref"].rpartition("/")[2]]
        yield target
        yield from _along(document, target, path)
    if _HOOKS.intersection(rules_of(element := _element(document, schema))):
        yield element  # a hook that refuses one object of a list says so of the list
    for name in ("allOf", "anyOf"):
        for each in schema.get(name, ()):
            yield each
            yield from _along(document, each, path)
    for rest, below in _steps(schema, path):
        if isinstance(below, dict):
            yield below
            yield from _along(document, below, rest)


def _element(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of each element of a list."""
    items = schema.get("items")
    if not isinstance(items, dict):
        return {}
    name = items.get("$ref", "").rpartition("/")[2]
    return dict(document["$defs"][name] if name else items)


def _steps(schema: dict[str, Any], path: str | None) -> Iterator[tuple[str | None, Any]]:
    """What is one step along a path, and the rest of that."""
    splits = [] if path is None else [*_splits(path)]
    properties = schema.get("properties", {})
    known = [(rest, properties[head]) for head, rest in splits if head in properties]
    yield from known
    for head, rest in [] if known else splits:
        parts = schema.get("prefixItems", [])
        if head.isdigit() and int(head) < len(parts):
            yield rest, parts[int(head)]
        elif head.isdigit():
            yield rest, schema.get("items")
        elif "items" in schema:  # `index_errors` of a schema may leave the index out
            yield path, schema["items"]
        for name in ("additionalProperties", "propertyNames"):
            yield rest, schema.get(name)


def _splits(path: str) -> Iterator[tuple[str, str | None]]:
    """Names that a path may begin with, which may have dots themselves, and the rest."""
    yield path, None
    for at, character in enumerate(path):
        if character == ".":
            yield path[:at], path[at + 1 :]
