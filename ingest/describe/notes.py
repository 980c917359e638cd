"""What JSON Schema cannot say of a value, said in words beside it.

`x-ingest` lists the rules, one text each; `$comment` is the same in one text, for tools that show
that. A schema that has them accepts more than the service does.
"""

from collections.abc import Iterable
from typing import Any

NOTES = "x-ingest"
RULES = "rules"


def noted(schema: dict[str, Any], *rules: str) -> dict[str, Any]:
    """A schema with further rules in words."""
    found = dict.fromkeys([*rules_of(schema), *rules])
    if not found:
        return schema
    notes = {**schema.get(NOTES, {}), RULES: list(found)}
    return {**schema, "$comment": " ".join(found), NOTES: notes}


def rules_of(schema: dict[str, Any]) -> list[str]:
    """The rules in words of a schema."""
    return list(schema.get(NOTES, {}).get(RULES, ()))


def together(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One schema of several that must all hold.

    What two of them say in different ways with the same keyword stands in `allOf`.
    """
    whole: dict[str, Any] = {}
    further: list[dict[str, Any]] = []
    rules: list[str] = []
    notes: dict[str, Any] = {}
    for part in parts:
        rules += rules_of(part)
        notes |= {name: each for name, each in part.get(NOTES, {}).items() if name != RULES}
        said = {name: each for name, each in part.items() if name not in ("$comment", NOTES)}
        if any(name in whole and whole[name] != each for name, each in said.items()):
            further.append(said)
        else:
            whole |= said
    if further:
        whole["allOf"] = [*whole.get("allOf", ()), *further]
    return noted({**whole, NOTES: notes} if notes else whole, *rules)


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that also takes null, whatever it says of other values."""
    plain = not schema.keys() & {"const", "not", "allOf", "anyOf", "$ref"}
    if schema.get("type") == "null" or not (schema.keys() - {"$comment", NOTES}):
        return schema
    if plain and ("type" in schema or "enum" in schema):
        return {**schema, **_with_null(schema)}
    return either(schema, {"type": "null"})


def either(schema: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A schema that also takes what another one takes, with the rules of the first."""
    said = {name: each for name, each in schema.items() if name not in ("$comment", NOTES)}
    return noted({"anyOf": [said, other]}, *rules_of(schema))


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The types and choices of a schema, and null."""
    found: dict[str, Any] = {}
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        found["type"] = [*(each for each in types if each != "null"), "null"]
    if "enum" in schema:
        found["enum"] = [*(each for each in schema["enum"] if each is not None), None]
    return found
