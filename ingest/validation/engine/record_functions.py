"""Records of valid items at the speed of their loads: generated functions beside `RecordWriter`.

A generated function gives exactly what `RecordWriter.write` would, or None; then the RecordWriter
decides, and says what is wrong. There are two kinds:

`accept`
    from a raw item to its record. Only where no user code takes part: what each field loads is
    known by its class then, and most values are stored as they were received.
`write`
    from an item that is loaded already. It looks at every loaded value.

What `accept` gives is certain only once `intake` has encoded it with other records: it looks for
NUL and lone surrogates in the bytes of all of them at once.
"""

from collections.abc import Callable, Mapping
from functools import partial as partial_function
from typing import Any

from marshmallow import missing

from ingest.model import Action
from ingest.resources.identity import alters, may_alter
from ingest.resources.records import CLIENT_KEY, INDEX, SET, Recorded, RecordWriter
from ingest.resources.resource import META, Resource
from ingest.validation.engine.compiler import compile_exact
from ingest.validation.engine.load import Load, Partial
from ingest.validation.engine.record_columns import PLAIN_UUID, write_known, write_unknown
from ingest.validation.engine.source import Source, Uncompiled

Accept = Callable[[int, Any, str | None], Recorded | None]
"""From an item's index, the raw item, and a key for it in case it has none."""
Write = Callable[[int, Any, Mapping[str, Any], Any], Recorded | None]
"""From what `RecordWriter.write` takes."""


def generate_accept(resource: Resource, writer: RecordWriter, partial: Partial) -> Accept | None:
    """The function from raw items to records; None where the schema needs more than that."""
    if writer.action is Action.DELETE or resource.keeps_unknown:
        return None
    load = compile_exact(resource.schema, partial)
    if load is None:
        return None
    loads = {each.name: each for each in Load.of(resource.schema, partial).fields()}
    places = {each.target.partition(".")[0] for each in loads.values()}
    stored = [each for each in writer.converters if each.field.source.partition(".")[0] in places]
    in_place = len(stored) == len(loads) and all(
        each.column == each.field.source and "." not in each.field.source for each in stored
    )

    def write_fields(source: Source) -> None:
        _write_load(source, resource, source.bind("load", load))
        source.line(f"record = {'loaded' if in_place else '{}'}")
        for converter in stored:
            field, each = converter.field, loads.get(converter.field.name)
            # The loaded value of these is always made of what the item carried.
            if (
                each is not None
                and each.default is missing
                and each.target == field.source
                and "." not in field.source
            ):
                write_known(source, converter, in_place=in_place)
            else:
                write_unknown(source, converter)
        _refuse_altered(source, writer)

    return _generate("accept", "index, item, key", resource, writer, write_fields)


def generate_write(resource: Resource, writer: RecordWriter) -> Write | None:
    """The function from loaded items to records; None where there can be none."""
    if writer.action is Action.DELETE:
        return None

    def write_fields(source: Source) -> None:
        _write_given_key(source, resource)
        source.line("record = {}")
        for converter in writer.converters:
            if not resource.makes(converter.field):
                write_unknown(source, converter)
        if resource.keeps_unknown:
            source.fall_back_if("len(record) != len(loaded)")

    return _generate("write", "index, loaded, item, key", resource, writer, write_fields)


def _generate(
    purpose: str,
    parameters: str,
    resource: Resource,
    writer: RecordWriter,
    write_fields: Callable[[Source], None],
) -> Callable[..., Recorded | None] | None:
    source = Source(purpose, resource.name)
    try:
        _check_sources(resource)
        # After any exception, the RecordWriter meets the same problem, and says what it is.
        with source.function(parameters, "None"), source.guarded():
            write_fields(source)
            _write_rest(source, resource, writer)
    except Uncompiled:
        return None
    return source.compiled()


def _check_sources(resource: Resource) -> None:
    """Make sure that each loaded value is of one field, where that matters."""
    sources = [field.source for field in resource.fields]
    if resource.own_key and any(each.partition(".")[0] == "id" for each in sources[1:]):
        raise Uncompiled("a field that is loaded into the place of the server's key")
    alone = len(set(sources)) == len(sources) and not any("." in each for each in sources)
    if resource.keeps_unknown and not alone:
        raise Uncompiled("what is loaded and no field's cannot be told by counting")


def _refuse_altered(source: Source, writer: RecordWriter) -> None:
    """Fall back where what identifies the item is loaded as another value."""
    for each in writer.finders:
        if may_alter(each.field):
            altered = source.bind("alters", partial_function(alters, each.field))
            source.fall_back_if(f"{altered}(item.get({each.data_key!a}))")


def _write_load(source: Source, resource: Resource, load: str) -> None:
    """From the raw item to `loaded`, `key`, `given` and `sent`: how many values fields may take."""
    source.fall_back_if(f"type(item) is not dict or {META!a} in item")
    name = ascii(resource.key.data_key)
    source.line("body = item")
    source.line(f"given = {name} in item")
    if resource.key_apart:
        with source.block("if given:"):
            if resource.key.field.dump_only:
                source.fall_back_if("True")
            source.line(f"key = item[{name}]")
            plain = source.bind("plain_uuid", PLAIN_UUID)
            source.fall_back_if(f"type(key) is not str or not {plain}(key)")
            source.line("body = {**item}")
            source.line(f"del body[{name}]")
    source.line(f"loaded = {load}(body)")
    source.fall_back_if("loaded is FALLBACK")
    source.line("sent = len(body)")
    source.line("same = True")


def _write_given_key(source: Source, resource: Resource) -> None:
    """The same for an item that is loaded already; `key` is a UUID, or `missing`."""
    source.fall_back_if("type(loaded) is not dict")
    source.line("same = True")
    source.line("given = False")
    if resource.server_key:
        name = ascii(resource.key.data_key)
        source.line(f"given = {name} in item")
        with source.block("if key is MISSING:"):
            if resource.key_apart and not resource.database_key:
                source.fall_back_if("given")
            source.line("key = None")
        with source.block("elif given:"):
            source.fall_back_if(f"type(item[{name}]) is not str")
            plain = source.bind("plain_uuid", PLAIN_UUID)
            source.line(f"same = {plain}(item[{name}]) is not None")
    source.line("sent = len(item) - given" if resource.key_apart else "sent = len(item)")


def _write_rest(source: Source, resource: Resource, writer: RecordWriter) -> None:
    """What follows the fields: what identifies the item, and the service's own columns."""
    source.line("restorable = same and len(record) == sent")
    if resource.server_key:
        column = ascii(resource.key.column)
        made = "key is not None"
        if not resource.key_apart:
            made += " and not given"
            source.fall_back_if(f"given and record.get({column}) is None")
        with source.block(f"if {made}:"):
            source.line(f"record[{column}] = key")
        with source.block("if given:"):
            source.line(f"record[{CLIENT_KEY!a}] = True")
    for field in writer.required:
        source.fall_back_if(f"record.get({field.column!a}) is None")
        if field is writer.matching and field.field.load_default is not missing:
            source.fall_back_if(f"{field.data_key!a} not in item")
    if resource.key not in writer.required:
        source.fall_back_if(f"record.get({resource.key.column!a}, True) is None")
    source.line(f"record[{INDEX!a}] = index")
    if writer.sparse:
        _write_carried(source, resource, writer)
    source.line("return record, restorable")


def _write_carried(source: Source, resource: Resource, writer: RecordWriter) -> None:
    """One bit for each field: whether the item carried it."""
    bits = []
    for field in resource.fields:
        excused = writer.action is Action.UPDATE or field.field.load_default is missing
        sent = "" if excused else f" and {field.data_key!a} in item"
        carried = f"'01'[{field.column!a} in record{sent}],"
        bits.append("'1'," if writer.replaces(field) else carried)
    source.line(f"record[{SET!a}] = ''.join(({' '.join(bits)}))")
