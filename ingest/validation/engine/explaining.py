"""Which engine takes which field of a collection."""

from collections.abc import Iterator, Sequence

from ingest.model import Action, Options
from ingest.resources.records import RecordWriter
from ingest.resources.resource import Resource
from ingest.validation.engine.compiler import explain_schema
from ingest.validation.engine.late import COMPILED, TYPED, Coverage
from ingest.validation.engine.record_functions import generate_accept
from ingest.validation.engine.source import Uncompiled
from ingest.validation.engine.typed.items import TypedItems
from ingest.validation.engine.typed.members import MOST_VALUES, typed_value


def explain_resource(resource: Resource) -> Sequence[Coverage]:
    """How each field that is loaded of an item is validated, of items that are created.

    Items are typed where every field is: else each row says what keeps its field from it.
    """
    rows = explain_schema(resource.schema)
    writer = RecordWriter(resource, Action.CREATE, Options())
    if generate_accept(resource, writer, None) is None:
        return rows
    try:
        TypedItems(resource, writer, None)
    except Uncompiled as left:
        untyped = dict(_untyped(writer))
        rows = [row._replace(reason=untyped.get(row.field, "")) for row in rows]
        return rows if untyped else [*rows, Coverage("", COMPILED, f"not typed: {left}")]
    return [row._replace(how=TYPED) for row in rows]


def _untyped(writer: RecordWriter) -> Iterator[tuple[str, str]]:
    """The fields that keep items from being typed, and why."""
    for converter in writer.converters:
        try:
            typed_value(converter, MOST_VALUES)
        except Uncompiled as left:
            yield converter.field.name, f"not typed: {left}"
