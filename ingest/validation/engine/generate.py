"""From a schema to a function: tries, writes the text, compiles it, lets tracebacks show it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial as bind
from typing import Any, NoReturn

from marshmallow import Schema, ValidationError
from marshmallow.error_store import ErrorStore

from ingest.validation.engine.functions import make_function
from ingest.validation.engine.hooks import REFUSED, Unvouched, failure, with_hooks
from ingest.validation.engine.known import check_schema, check_version, has_load_hooks
from ingest.validation.engine.late import Remark, note, write_object_late
from ingest.validation.engine.objects import write_many, write_nested, write_object
from ingest.validation.engine.source import Refused, Source, Uncompiled
from ingest.validation.engine.values import Scope


@dataclass(slots=True)
class Compiled:
    """What became of a schema and one `partial`."""

    load: Callable[[Any], Any]
    """Does what `schema.load` does to one item."""
    source: str = ""
    """The text of the generated function; empty where marshmallow does everything."""
    left: str | None = None
    """Why every item is left to marshmallow, where it is."""
    remarks: dict[str, Remark] = field(default_factory=dict)
    """What is not compiled of a field, by its name."""


def generate(
    schema: Schema, partial: Any, many: bool | None = None, unknown: str | None = None
) -> Compiled:
    """Compile the load of one item.

    Args:
        schema: an instance.
        partial: what `load` is given; None stands for the schema's own.
        many: what `load` is given; None stands for the schema's own.
        unknown: what `load` is given; None stands for the schema's own.
    """
    options = {"partial": partial, "many": many, "unknown": unknown}
    given = {name: value for name, value in options.items() if value is not None}
    marshmallow = bind(schema.load, **given)
    try:
        check_version()
        check_schema(schema)
        effective = schema.partial if partial is None else partial
        mode = schema.unknown if unknown is None else unknown
        if schema.many if many is None else many:
            return _collection(schema, effective, mode, marshmallow)
        return _one(schema, effective, mode, marshmallow)
    except Uncompiled as left:
        return Compiled(marshmallow, left=str(left))


def generate_exact(schema: Schema, partial: Any) -> Callable[[Any], Any] | None:
    """The load of one item as a function that never calls marshmallow or code of the user's.

    Returns:
        A function that returns what `schema.load(item, partial=partial)` would, or REFUSED; None
        where the schema needs more than that.
    """
    try:
        check_version()
        check_schema(schema)
        if schema.many or has_load_hooks(schema):
            return None
        scope = _scope(schema, schema.partial if partial is None else partial)
        _write_early(scope, schema, schema.unknown, "def load(item):", "REFUSED")
    except Uncompiled:
        return None
    return _made(schema, scope.source, {"REFUSED": REFUSED}).load


def generate_vouched(schema: Schema, partial: Any) -> Callable[[Any], Any] | None:
    """The load of one item that may call code of the user's, and never marshmallow.

    Returns:
        A function that does what `schema.load(item, partial=partial)` would, or raises Unvouched;
        None where a part of the schema is left to marshmallow.
    """
    try:
        check_version()
        check_schema(schema)
        if schema.many:
            return None
        effective = schema.partial if partial is None else partial
        compiled = _one(schema, effective, schema.unknown, _raise_unvouched, alone=True)
    except Uncompiled:
        return None
    converted = all(remark.converted for remark in compiled.remarks.values())
    return compiled.load if converted else None


def _raise_unvouched(item: Any) -> NoReturn:
    raise Unvouched


def _collection(
    schema: Schema, partial: Any, unknown: str, marshmallow: Callable[[Any], Any]
) -> Compiled:
    if has_load_hooks(schema):
        raise Uncompiled("hooks of a schema with many=True")
    scope = _scope(schema, partial)
    source = scope.source
    with source.block("def load(item):"):
        with source.block("try:"):
            source.line("loaded = item")
            write_many(scope, schema, unknown, "loaded")
            source.line("return loaded")
        _write_hand_over(source, "marshmallow(item)")
    return _made(schema, source, {"marshmallow": marshmallow})


def _one(
    schema: Schema,
    partial: Any,
    unknown: str,
    marshmallow: Callable[[Any], Any],
    *,
    alone: bool = False,
) -> Compiled:
    hooks = has_load_hooks(schema)
    scope = _scope(schema, partial)
    source = scope.source
    header = "def load(item, errors):" if hooks else "def load(item):"
    hand_over = "REFUSED" if hooks else "marshmallow(item)"
    remarks: dict[str, Remark] = {}
    try:
        _write_early(scope, schema, unknown, header, hand_over)
    except Uncompiled:
        scope = _scope(schema, partial)
        source = scope.source
        with source.block(header):
            with source.block("try:"):
                write_second_half = write_object_late(scope, schema, unknown, remarks)
            source.line("except Exception:")
            source.line("    pass")
            with source.block("else:"):
                if not hooks:
                    source.line("errors = ErrorStore()")
                write_second_half()
                if not hooks:
                    source.line("if errors.errors:")
                    source.line("    fail(item, out, errors.errors)")
                source.line("return out")
            source.line(f"return {hand_over}")
    names = {"marshmallow": marshmallow, "fail": failure(schema, partial), "REFUSED": REFUSED}
    compiled = _made(schema, source, names)
    compiled.remarks = remarks
    if hooks:
        compiled.load = with_hooks(schema, compiled.load, partial, unknown, alone=alone)
    return compiled


def _write_early(scope: Scope, schema: Schema, unknown: str, header: str, hand_over: str) -> None:
    source = scope.source
    with source.block(header):
        with source.block("try:"):
            write_object(scope, schema, unknown, "item", "out")
            source.line("return out")
        _write_hand_over(source, hand_over)


def _scope(schema: Schema, partial: Any) -> Scope:
    return Scope(Source(), partial, (type(schema),), write_nested, _load_of_nested)


def _load_of_nested(schema: Schema, partial: Any, unknown: str | None) -> Callable[[Any], Any]:
    return generate(schema, partial, unknown=unknown).load


def _write_hand_over(source: Source, call: str) -> None:
    # Outside the handler, so that what marshmallow raises has no other exception as its context.
    source.line("except Exception:")
    source.line("    pass")
    source.line(f"return {call}")


def _made(schema: Schema, source: Source, names: dict[str, Any]) -> Compiled:
    known = {
        "ErrorStore": ErrorStore,
        "Refused": Refused,
        "ValidationError": ValidationError,
        "note": note,
        **names,
    }
    return Compiled(*make_function("load", type(schema).__name__, source, known))
