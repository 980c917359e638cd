"""What operations share: schemas, responses and parameters, each written once and referred to."""

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]
"""A JSON object of the document."""


class Components:
    """The `components` of a document, which grow while its operations are written."""

    def __init__(self) -> None:
        self._kinds: dict[str, Object] = {}

    def add(self, kind: str, name: str, value: Object, otherwise: str = "") -> Object:
        """Add a component, unless the same is there already.

        Args:
            kind: the member of `components`: `schemas`, `responses`, …
            name: its name.
            otherwise: its name where another component has that one; with a number, if need be.

        Returns:
            A reference to it.
        """
        named = self._kinds.setdefault(kind, {})
        otherwise, number = otherwise or name, 1
        while named.setdefault(name, value) != value:
            name = otherwise if number == 1 and otherwise != name else f"{otherwise}{number + 1}"
            number += 1
        return {"$ref": f"#/components/{kind}/{name}"}

    def schema(self, name: str, schema: Mapping[str, Any]) -> Object:
        """Add a JSON Schema document, with what it defines beside it.

        Tools that read OpenAPI look for schemas among the components, and not in `$defs`.
        """
        defined = schema.get("$defs", {})
        places = {"#": f"#/components/schemas/{name}"} | {
            f"#/$defs/{each}": f"#/components/schemas/{name}.{each}" for each in defined
        }
        for each, inner in defined.items():
            self.add("schemas", f"{name}.{each}", _moved(inner, places))
        own = {key: value for key, value in schema.items() if key not in _OF_DOCUMENTS}
        return self.add("schemas", name, _moved(own, places))

    def document(self) -> Object:
        return {kind: self._kinds[kind] for kind in sorted(self._kinds)}


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
    return {"$ref": f"#/components/{kind}/{name}"}
