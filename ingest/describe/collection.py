"""All that the page of a collection says, as one value."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow.decorators import POST_LOAD, PRE_LOAD, VALIDATES_SCHEMA

from ingest.describe.about import of_collection
from ingest.describe.commands import Command, commands
from ingest.describe.examples import Example
from ingest.describe.words.fields import FieldRow, field_rows, unknown_rule
from ingest.describe.words.rule import Rule
from ingest.describe.words.validators import own_rule
from ingest.error_help import HELP
from ingest.errors import ITEM_CODES, request_errors
from ingest.resources.possible_errors import possible_errors
from ingest.resources.resource import Resource
from ingest.settings import Settings

_EVERYWHERE = frozenset({"not_storable", "invalid"})
"""Errors that a value of any field can have, besides what its rules name."""


@dataclass(frozen=True, slots=True)
class PossibleError:
    """An error that a collection can give, and where."""

    name: str
    code: int
    meaning: str
    remedy: str
    fields: tuple[str, ...] = ()
    """The paths of the fields that can have it; none where it is of the item as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionPage:
    """A collection, as it is described to those who send its items."""

    name: str
    number: int
    """Its `db_id` in the dialect `rpc`."""
    rpc_resources: Sequence[int]
    description: str
    key: str
    unique: tuple[str, ...]
    """The names of the attributes of each group that is unique, with commas."""
    rules: tuple[Rule, ...]
    """Those of an item as a whole."""
    fields: tuple[FieldRow, ...]
    item_errors: tuple[PossibleError, ...]
    request_errors: tuple[PossibleError, ...]
    example: str
    """A valid item, as JSON; empty where the schema's own code refuses what was made up."""
    commands: tuple[Command, ...]


def collection_page(
    resource: Resource, example: Example | None, *, number: int, settings: Settings, base: str
) -> CollectionPage:
    """Describe a collection.

    Args:
        example: an item that it takes, where one is known.
        number: its `db_id` in the dialect `rpc`.
        base: where clients reach the service, without a `/` at its end.
    """
    rows, rules = field_rows(resource), tuple(_rules(resource))
    possible = possible_errors(resource, settings)
    tried = None if settings.read_only else example
    return CollectionPage(
        name=resource.name,
        number=number,
        rpc_resources=resource.rpc_resources,
        description=of_collection(resource),
        key=resource.key.data_key,
        unique=tuple(", ".join(field.data_key for field in group) for group in resource.unique),
        rules=rules,
        fields=rows,
        item_errors=tuple(_item_errors(possible, rows)),
        request_errors=tuple(_request_errors(possible)),
        example="" if example is None else _shown(example.sent),
        commands=tuple(commands(resource, tried, base)),
    )


def _shown(item: Mapping[str, Any]) -> str:
    return json.dumps(item, ensure_ascii=False, indent=2)


def _rules(resource: Resource) -> Iterator[Rule]:
    hooks = resource.schema._hooks
    if hooks[PRE_LOAD]:
        yield Rule("The collection's own code prepares each item before these rules.")
    yield unknown_rule(resource.schema)
    for method, _, _ in hooks[VALIDATES_SCHEMA]:
        yield own_rule(getattr(resource.schema, method))
    if hooks[POST_LOAD]:
        yield Rule("The collection's own code makes of each item what is stored.", ("invalid",))
    if resource.idempotency_required:
        yield Rule("Every write needs an Idempotency-Key.", ("idempotency_key_required",))


def _item_errors(possible: frozenset[int], rows: Sequence[FieldRow]) -> Iterator[PossibleError]:
    for code in sorted(possible & ITEM_CODES.keys()):
        name = ITEM_CODES[code].name
        where = () if name in _EVERYWHERE else tuple(r.path for r in rows if name in r.errors)
        yield PossibleError(name, code, *HELP[name], where)


def _request_errors(possible: frozenset[int]) -> Iterator[PossibleError]:
    for code in sorted(request_errors(), key=lambda each: each.code):
        if code.code in possible:
            yield PossibleError(code.name, code.code, *HELP[code.name])
