"""Names of the tables that hold items, and of what belongs to them.

`migrations` makes the tables. Each has, before the columns of its schema, those of the service:
their names begin with one `$`, which no field's column does.
"""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ingest.resources.columns import ColumnType
from ingest.resources.layout import Layout, StoredField

COLLECTIONS = "collections"
"""The schema that holds one table for each resource."""
IMAGES = "images"
"""The schema that holds one table for the before-images of each resource."""
REQUIRED_REVISION = "0009"
"""The revision of the service's own tables that this code works with, or a later one."""

ACCOUNT = "$account"
BATCH = "$batch"
VERSION = "$version"
CREATED_AT = "$created_at"
UPDATED_AT = "$updated_at"
GROUP = "$group"
"""The group of tokens that an item belongs to, if it belongs to one."""
EXTRA = "$extra"
"""What was loaded of an item and is no field; only where the resource keeps that."""
EXACT = "$exact"
"""What the columns cannot give back as it was loaded, by column; only where there may be some."""

SERVICE_COLUMNS: Mapping[str, ColumnType] = MappingProxyType(
    {
        ACCOUNT: ColumnType.TEXT,
        BATCH: ColumnType.UUID,
        VERSION: ColumnType.BIGINT,
        CREATED_AT: ColumnType.TIMESTAMPTZ,
        UPDATED_AT: ColumnType.TIMESTAMPTZ,
        GROUP: ColumnType.TEXT,
    }
)
"""What every table has. None of them but the group is ever null."""

_MAX_IDENTIFIER = 63  # bytes, PostgreSQL's NAMEDATALEN - 1


def quote(identifier: str) -> str:
    """`identifier` as SQL takes it, with any content: `say "hi"` is `"say ""hi""\"`."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as a string constant of SQL, with any content."""
    return "'" + text.replace("'", "''") + "'"


def table_name(resource: Layout) -> str:
    """The quoted, qualified name of the table: `"collections"."contacts"`."""
    return f"{quote(COLLECTIONS)}.{quote(resource.name)}"


def images_name(resource: Layout) -> str:
    """That of the table of its before-images: `"images"."contacts"`."""
    return f"{quote(IMAGES)}.{quote(resource.name)}"


def columns(resource: Layout) -> dict[str, ColumnType]:
    """Every column of the table in order: the service's, then the schema's."""
    kept = dict.fromkeys(kept_columns(resource), ColumnType.JSONB)
    return {**SERVICE_COLUMNS, **kept, **{field.column: field.type for field in resource.fields}}


def kept_columns(resource: Layout) -> list[str]:
    """The columns, beside those of its fields, that an item of the resource is written to."""
    kept = {EXTRA: resource.keeps_unknown, EXACT: resource.keeps_exact}
    return [name for name, keeps in kept.items() if keeps]


def unique_name(resource: Layout, fields: Sequence[StoredField]) -> str:
    """The name of the constraint that keeps `fields` unique: `contacts(email)`.

    A resource's name has no parenthesis, so no table or other resource's constraint is called
    the same. A digest stands for columns that would make the name too long or ambiguous.
    """
    names = [field.column for field in fields]
    name = f"{resource.name}({','.join(names)})"
    if len(name.encode()) <= _MAX_IDENTIFIER and not any("," in each for each in names):
        return name
    digest = hashlib.blake2b("\0".join(names).encode(), digest_size=6).hexdigest()
    return f"{resource.name}(~{digest})"


def sequence_name(resource: Layout) -> str:
    """The quoted, qualified name of the sequence that numbers its items: `…."contacts$key"`."""
    return f"{quote(COLLECTIONS)}.{quote(f'{resource.name}$key')}"


def group_index_name(resource: Layout) -> str:
    """The name of the index that finds an account's items by their group: `contacts($group)`.

    No field's column is called that, so no unique constraint is; a resource's name has at most 48
    bytes, so it is not too long.
    """
    return f"{resource.name}({GROUP})"
