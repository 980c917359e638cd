"""JSON Schema (2020-12) of a resource: of one item as it is sent or shown, or of its key."""

from enum import StrEnum
from typing import Any

from ingest.describe.about import of_collection
from ingest.describe.definitions import Definitions
from ingest.describe.meta import SENT_META, SHOWN_META
from ingest.describe.notes import NOTES, noted
from ingest.describe.surrogates import without_surrogates
from ingest.resources.resource import META, Resource

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MEDIA_TYPE = "application/schema+json"
STORED = (
    "Texts hold no NUL character and no lone surrogate; integers fit 64 bits, other numbers a "
    "double; times lie in the years 1 to 9999 in UTC; a key or unique text has at most 2,048 "
    "bytes; a key is sent as GET shows it."
)


class Kind(StrEnum):
    """What of a resource a schema describes."""

    CREATE = "create"
    PATCH = "patch"
    ITEM = "item"
    KEY = "key"


def path(resource: Resource, kind: Kind) -> str:
    """Where the service has the schema."""
    query = "" if kind is Kind.CREATE else f"?for={kind}"
    return f"/v1/{resource.name}/schema{query}"


def json_schema(resource: Resource, kind: Kind, base: str) -> dict[str, Any]:
    """The JSON Schema of one item of a resource (an array of items is for the caller to say).

    A dict of plain JSON values, made anew for each call:

        $schema, $id        the dialect, and `base` + `path(resource, kind)`
        title               the collection's name
        description         the docstring of its schema, where it has one; a key has none
        type                "object" (of a key, its own)
        properties          by the names that clients use, as they are declared; `meta` last
        required            left out where nothing is
        additionalProperties
                            false where unknown names are refused, true where they are taken; left
                            out where code of the user's decides
        $defs               nested schemas by name, each an object like the root, which refer to one
                            another as "#/$defs/…". `meta` is one of them. A key has none.
        $comment, x-ingest  what JSON Schema cannot say: `x-ingest.rules` are texts, one a rule, and
                            `$comment` the same in one text. Any subschema may have them. The root's
                            `x-ingest` also has `collection`, `for`, `key` (the key's name) and
                            `unique` (lists of names).

    Args:
        kind: what is described: an item as POST takes it, as PATCH takes it, as GET shows it (and
            takes it back), or the value of its key.
        base: where clients reach the service, without a `/` at its end.
    """
    about: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": base + path(resource, kind),
        "title": resource.name,
    }
    if kind is Kind.KEY:
        said = noted(Definitions(shown=False).key(resource), STORED)
        return without_surrogates({**about, **said})
    if description := of_collection(resource):
        about["description"] = description
    definitions = Definitions(shown=kind is Kind.ITEM)
    definitions.reserve(META, SHOWN_META if kind is Kind.ITEM else SENT_META)
    said = definitions.root(resource, patch=kind is Kind.PATCH)
    said = said if kind is Kind.ITEM else noted(said, STORED)
    said[NOTES] = {
        "collection": resource.name,
        "for": kind.value,
        "key": resource.key.data_key,
        "unique": [[field.data_key for field in group] for group in resource.unique],
        **said.get(NOTES, {}),
    }
    return without_surrogates({**about, **said, "$defs": definitions.found})
