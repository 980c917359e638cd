"""What operations share: schemas, responses and parameters, each written once and referred to."""

from collections.abc import Mapping
from itertools import chain, count
from typing import Any

Object = dict[str, Any]
"""A JSON object of the document."""


class Components:
    """The `components` of a document, which grow while its operations are written."""

    def __init__(self) -> None:
        self._kinds: dict[str, Object] = {}

    def add(self, kind: str, *names: str, value: Object) -> Object:
        """Add a component, unless the same is there already.

        Args:
            kind: the member of `components`: `schemas`, `responses`, …
            names: those that it may have: the first that no other component has; the last one with
                a number, if need be.

        Returns:
            A reference to it.
        """
        named = self._kinds.setdefault(kind, {})
        numbered = (f"{names[-1]}{number}" for number in count(2))
        name = next(
            each for each in chain(names, numbered) if named.setdefault(each, value) == value
        )
        return reference(kind, name)

    def schema(self, name: str, schema: Mapping[str, Any], shared: Mapping[str, str]) -> Object:
        """Add a JSON Schema document, with what it defines beside it.

        Tools that read OpenAPI look for schemas among the components, and not in `$defs`.

        Args:
            shared: the names of definitions that other documents have, too, by those in this one.
        """
        defined = schema.get("$defs", {})
        named = {each: shared.get(each, f"{name}.{each}") for each in defined}
        places = {"#": f"{_HERE}schemas/{name}"} | {
            f"#/$defs/{each}": f"{_HERE}schemas/{there}" for each, there in named.items()
        }
        for each, inner in defined.items():
            self.add("schemas", named[each], value=_moved(inner, places))
        own = {key: value for key, value in schema.items() if key not in _OF_DOCUMENTS}
        return self.add("schemas", name, value=_moved(own, places))

    def found(self, kind: str, name: str) -> Object:
        """One that was added."""
        found: Object = self._kinds[kind][name]
        return found

    def document(self, paths: Object) -> Object:
        """Those that paths refer to, directly or not."""
        reached: dict[str, set[str]] = {kind: set() for kind in sorted(self._kinds)}
        waiting: list[Any] = [paths]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                leads = part.get("$ref")
                if isinstance(leads, str) and leads.startswith(_HERE):
                    kind, name = leads.removeprefix(_HERE).split("/")
                    if name not in reached[kind]:
                        reached[kind].add(name)
                        waiting.append(self._kinds[kind][name])
                waiting += part.values()
            elif isinstance(part, list):
                waiting += part
        return {
            kind: {name: each for name, each in self._kinds[kind].items() if name in names}
            for kind, names in reached.items()
            if names
        }


_HERE = "#/components/"
_OF_DOCUMENTS = frozenset({"$schema", "$id", "$defs", "title"})
"""A title is the collection's name in all of its schemas, and generators call types by it."""


def _moved(value: Any, places: Mapping[str, str]) -> Any:
    """A copy of a schema whose references lead to the new places."""
    if isinstance(value, list | tuple):
        return [_moved(each, places) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: places.get(each, each)
        if key == "$ref" and isinstance(each, str)
        else _moved(each, places)
        for key, each in value.items()
    }


def reference(kind: str, name: str) -> Object:
    return {"$ref": f"{_HERE}{kind}/{name}"}
