"""Which schemas and fields are exactly marshmallow's own.

A class of the user's may be compiled as the marshmallow class it extends when it changes nothing
that `load` looks at: messages, how it dumps, its constructor. Anything else is the user's code.
"""

import datetime as dt
import decimal
import uuid
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from importlib.metadata import version
from typing import Any

from marshmallow import Schema, fields
from marshmallow.decorators import POST_LOAD, PRE_LOAD, VALIDATES, VALIDATES_SCHEMA

from ingest.resources.dumping import overridden
from ingest.resources.resource import nested_in
from ingest.resources.shapes import shape_of
from ingest.validation.engine.passing_on import passes_on
from ingest.validation.engine.source import Uncompiled

_READ = ("4.4.",)
INSTALLED = version("marshmallow")

# Classes whose values are immutable and whose comparison runs no user code.
SCALARS: frozenset[type] = frozenset(
    {
        str,
        bytes,
        int,
        float,
        bool,
        type(None),
        decimal.Decimal,
        uuid.UUID,
        dt.datetime,
        dt.date,
        dt.time,
        dt.timedelta,
    }
)

# What a subclass of a field may define and still load as its base does.
HARMLESS = frozenset(
    {
        "__init__",
        "__repr__",
        "_bind_to_schema",
        "_serialize",
        "_to_string",
        "default_error_messages",
        "falsy",
        "get_value",
        "serialize",
        "truthy",
        # What Python itself puts into a class.
        "__abstractmethods__",
        "__annotate__",
        "__annotate_func__",
        "__annotations__",
        "__annotations_cache__",
        "__doc__",
        "__firstlineno__",
        "__module__",
        "__orig_bases__",
        "__parameters__",
        "__qualname__",
        "__slotnames__",
        "__static_attributes__",
        "__type_params__",
        "_abc_impl",
    }
)
_SCHEMA_METHODS = (
    "__getattribute__",
    "_call_and_store",
    "_deserialize",
    "_invoke_field_validators",
    "_invoke_load_processors",
    "_invoke_processors",
    "_invoke_schema_validators",
    "_run_validator",
)
LOADS = ("load", "_do_load")
"""The methods of a schema that call what a load is made of."""
_LOAD_HOOKS = (PRE_LOAD, VALIDATES, VALIDATES_SCHEMA, POST_LOAD)


def field_class(field: fields.Field[Any], classes: frozenset[type]) -> type:
    """The marshmallow class that `field` loads exactly like, out of `classes`.

    Raises:
        Uncompiled: it is a field of the user's own, or one that no class describes.
    """
    mro = type(field).__mro__
    check_own_methods(field)
    for position, each in enumerate(mro):
        if each in classes:
            if mro[position:] != each.__mro__:
                break
            return each
        if each.__module__ == fields.__name__:
            break
        changed = vars(each).keys() - HARMLESS
        if changed:
            raise Uncompiled(f"{each.__name__} defines {min(changed)}")
    raise Uncompiled(f"{type(field).__name__} is not a field that can be compiled")


def has_known_rules() -> bool:
    """Whether every line of the installed release of marshmallow has been read."""
    return INSTALLED.startswith(_READ)


def check_own_methods(field: fields.Field[Any]) -> None:
    """Make sure that the methods of a field are those of its class."""
    own = [name for name in vars(field) if callable(getattr(type(field), name, None))]
    if own:
        raise Uncompiled(f"the field object has its own {min(own)}")


def check_schema(schema: Schema) -> None:
    """Make sure that what `load` is made of is marshmallow's, every line of which has been read.

    Raises:
        Uncompiled: the schema overrides a part of it, or another release may load differently.
    """
    if not has_known_rules():
        raise Uncompiled(f"marshmallow {INSTALLED} is not known to load as {_READ[0]}x does")
    for name in overridden(schema, _SCHEMA_METHODS):
        raise Uncompiled(f"the schema overrides {name}")
    if schema.dict_class not in (dict, OrderedDict):
        raise Uncompiled(f"its dict_class is {schema.dict_class.__name__}")
    for name, field in schema.load_fields.items():
        for text in (name, field.data_key, field.attribute):
            if text is not None and type(text) is not str:
                raise Uncompiled(f"field {name!r} has a name that is no plain string")


def check_no_override(schema: Schema) -> None:
    """Make sure that a call of the schema's `load` comes to `Schema._do_load` as it is.

    Raises:
        Uncompiled: the schema overrides one of them, and does not only pass on.
    """
    for name in LOADS:
        if not passes_on(schema, name):
            raise Uncompiled(f"the schema overrides {name}")


def nested_schema(field: fields.Nested) -> Schema:
    """The schema of a field, which loads as `Schema` does.

    Raises:
        Uncompiled: it cannot be found, or loads in another way.
    """
    try:
        schema = field.schema
    except Exception as error:  # noqa: BLE001 - whatever it is, marshmallow will raise it
        raise Uncompiled(f"its schema cannot be found ({type(error).__name__})") from None
    check_schema(schema)
    check_no_override(schema)
    return schema


def load_hooks(schema: Schema) -> list[str]:
    """The methods of the user's that take part in loading, each with its kind."""
    return [f"{tag} {hook[0]}" for tag in _LOAD_HOOKS for hook in schema._hooks.get(tag, ())]


def may_change_items(schema: Schema) -> bool:
    """Whether code of the user's sees an item, or what is nested in it, before it is loaded."""
    return any(
        each._hooks.get(PRE_LOAD) or not all(passes_on(each, name) for name in LOADS)
        for each in _schemas_in(schema)
    )


def count_fields(schema: Schema) -> int:
    """How many fields a schema loads, those of nested schemas included."""
    return sum(len(each.load_fields) for each in _schemas_in(schema))


def _schemas_in(schema: Schema, around: tuple[Hashable, ...] = ()) -> Iterator[Schema]:
    """The schema and those nested in it, each once within itself."""
    shape = shape_of(schema)
    if shape in around:
        return
    yield schema
    for field in schema.load_fields.values():
        for nested in nested_in(field):
            yield from _schemas_in(nested.schema, (*around, shape))
