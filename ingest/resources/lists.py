"""How lists of a collection are asked for: the bounds of a page, and the fields to filter by."""

from collections.abc import Mapping
from functools import cache

from marshmallow import fields

from ingest.resources.columns import ColumnType
from ingest.resources.layout import StoredField
from ingest.resources.resource import RESERVED_PARAMETERS, Resource

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
MAX_OFFSET = 2**63 - 1
MAX_VALUES = 100
"""The most values of one filter."""
WRITTEN_BY = StoredField("batch", "batch", "", "$batch", ColumnType.UUID, fields.UUID())
"""The batch that wrote an item last; a field of its name is filtered by in its place."""


@cache
def filterable(resource: Resource) -> Mapping[str, StoredField]:
    """The fields that lists can be filtered by, by the names that clients use."""
    return {
        field.data_key: field
        for field in resource.fields
        if field.shown
        and field.type is not ColumnType.JSONB
        and field.data_key not in RESERVED_PARAMETERS
    }
