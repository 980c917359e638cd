"""The documentation names every error that the values of a field can have."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields

from ingest import Resource
from ingest.describe.words.fields import field_rows
from ingest.errors import ConfigurationError
from ingest.model import ItemError
from ingest.validation.messages import explain
from tests.property.json_values import as_json
from tests.property.strategies import HOSTILE, Drawn, any_field, scalars

ANYWHERE = {"invalid", "not_storable"}
"""What the pages say of every field at once: the schema's own code, and what cannot be stored."""
EXAMPLES = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # to shrink a schema takes minutes
)


@EXAMPLES
@given(scalars(), st.integers(0, 2**32))
def test_the_row_of_a_field_names_every_error_of_its_values(drawn: Drawn, seed: int) -> None:
    resource = _resource(drawn.field)
    _, row = field_rows(resource)
    for error, value in _errors(resource, drawn, seed):
        assert error.code.name in ANYWHERE | row.errors, (error, value, row)


@EXAMPLES
@given(any_field(2), st.integers(0, 2**32))
def test_some_row_names_every_error_of_what_is_nested(drawn: Drawn, seed: int) -> None:
    resource = _resource(drawn.field)
    rows = field_rows(resource)
    named = ANYWHERE.union(*(row.errors for row in rows))
    for error, value in _errors(resource, drawn, seed):
        assert error.code.name in named, (error, value, rows)


def _resource(field: fields.Field[Any]) -> Resource:
    schema = Schema.from_dict({"key": fields.String(), "value": field})
    try:
        return Resource("things", schema, key="key")
    except (ConfigurationError, KeyError, ValueError):  # the latter are marshmallow's
        assume(False)
        raise


def _errors(resource: Resource, drawn: Drawn, seed: int) -> list[tuple[ItemError, Any]]:
    """The errors of values that the field probably takes, and of hostile ones."""
    random, found = Random(seed), list[tuple[ItemError, Any]]()
    values = [*(drawn.make(random) for _ in range(20)), *random.sample(HOSTILE, 20)]
    for value in map(as_json, values):
        found += [(each, value) for each in _errors_of(resource, {"key": "k", "value": value})]
    return found + [(each, None) for each in _errors_of(resource, {"key": "k"})]


def _errors_of(resource: Resource, item: dict[str, Any]) -> list[ItemError]:
    try:
        resource.schema.load(dict(item))
    except ValidationError as error:
        return explain(resource.schema, item, error.messages)
    except Exception:  # noqa: BLE001 - the schema's own code; that is `invalid`
        return []
    return []


@pytest.mark.parametrize("name", ["wrong_type", "null_not_allowed"])
def test_an_error_that_no_rule_names_would_be_found(name: str) -> None:
    resource = _resource(fields.Integer())
    values = {"wrong_type": "x", "null_not_allowed": None}
    [error] = _errors_of(resource, {"key": "k", "value": values[name]})
    assert error.code.name == name
    assert name not in ANYWHERE
