"""SQL that shows a stored row as GET and the outcome of a write do."""

from ingest.model import Selection
from ingest.resources.columns import ColumnType
from ingest.resources.layout import Layout, StoredField
from ingest.resources.records import EXTRA, OBJECT
from ingest.store.tables import EXACT, literal, quote


def item_object(resource: Layout, row: str, select: Selection, *, key: str | None = None) -> str:
    """SQL for the JSON object of one stored row, by column; `row` is the row's alias, and `key`
    what stands for its key's column.

    Only what the answer shows; of a schema that dumps items as a whole, all that it may need, and
    nothing that was not loaded. Elsewhere a column that holds nothing is null where the field may
    be sent as null, and left out where it may not. Times and decimals are text in JSON, so that no
    digit is lost.
    """
    whole = resource.dumps_whole or resource.loads_objects
    members = [
        f"{literal(field.column)}: {key}"
        if key is not None and field is resource.key
        else f"{literal(field.column)}: {_shown(resource, field, row)}"
        for field in resource.fields
        if whole or (field.shown and field.data_key not in select.hidden)
    ]
    if resource.keeps_unknown and whole:
        members.append(f"'{EXTRA}': {row}.{quote(EXTRA)}")
    if resource.loads_objects:
        members.append(f"'{OBJECT}': ({row}.{quote(EXACT)} -> '{OBJECT}')")
    if select.meta:
        members.append(f"'meta': {_meta(row)}")
    if not members:
        return "'{}'::json"
    return f"json_object({', '.join(members)} ABSENT ON NULL RETURNING json)"


def _shown(resource: Layout, field: StoredField, row: str) -> str:
    column = f"{row}.{quote(field.column)}"
    if field.type is ColumnType.NUMERIC:
        column += "::text"
    entries = [
        f"({row}.{quote(EXACT)} ->> {literal(entry)})::json"
        for entry in resource.exact_entries(field)
    ]
    # A schema that dumps the item as a whole has to be given what was loaded, and no more.
    nulls = ["'null'"] if field.field.allow_none and not resource.dumps_whole else []
    if not entries and not nulls:
        return column
    return f"coalesce({', '.join([*entries, f'to_json({column})', *nulls])})"


def _meta(row: str) -> str:
    def time(column: str) -> str:
        return f"""to_char({row}."{column}", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""

    return (
        f"json_build_object('createdAt', {time('$created_at')}, "
        f"'updatedAt', {time('$updated_at')}, "
        f"""'version', {row}."$version", 'batch', {row}."$batch", 'group', {row}."$group")"""
    )
