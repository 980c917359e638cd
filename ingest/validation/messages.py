"""marshmallow's messages as the contract's errors: which code, at which path."""

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import lru_cache
from itertools import islice
from string import Formatter
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing, validate
from marshmallow.decorators import PRE_LOAD
from marshmallow.exceptions import SCHEMA

from ingest import errors as codes
from ingest.errors import ErrorCode
from ingest.model import ItemError

# By the key in a field's `error_messages` that marshmallow took the message from.
_BY_MESSAGE_KEY: dict[str, ErrorCode] = {
    "invalid": codes.WRONG_TYPE,
    "type": codes.WRONG_TYPE,
    "invalid_uuid": codes.BAD_FORMAT,
    "invalid_ip": codes.BAD_FORMAT,
    "invalid_ip_interface": codes.BAD_FORMAT,
    "invalid_utf8": codes.BAD_FORMAT,
    "invalid_awareness": codes.BAD_FORMAT,
    "format": codes.BAD_FORMAT,
    "too_large": codes.OUT_OF_RANGE,
    "special": codes.OUT_OF_RANGE,
    "unknown": codes.NOT_A_CHOICE,
}
# Fields that read a format out of a string: there "invalid" means the format, not the type.
_FORMATS = (
    fields.Email,
    fields.Url,
    fields.DateTime,
    fields.Date,
    fields.Time,
    fields.UUID,
    fields.IP,
    fields.IPInterface,
)
_BY_VALIDATOR: tuple[tuple[type[validate.Validator], ErrorCode], ...] = (
    (validate.Length, codes.BAD_LENGTH),
    (validate.Range, codes.OUT_OF_RANGE),
    (validate.OneOf, codes.NOT_A_CHOICE),
    (validate.Regexp, codes.BAD_FORMAT),
    (validate.Email, codes.BAD_FORMAT),
    (validate.URL, codes.BAD_FORMAT),
)

_WITH_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_DECIMAL_COMMA = "CSV with a decimal comma is read as such with `?decimal=comma`."

MAX_ERRORS = 10_000
"""The most errors that are listed of one item."""


def explain(schema: Schema, item: Any, messages: Any) -> list[ItemError]:
    """Every message of one item that failed, in marshmallow's order; one too many at most.

    Args:
        schema: what the item was loaded with.
        item: the item as its fields got it.
        messages: `ValidationError.messages` of that load.
    """
    return list(islice(_schema_errors(schema, item, messages, ()), MAX_ERRORS + 1))


def after_pre_load(schema: Schema, value: Any) -> Any:
    """What a schema's fields get of a value that was not loaded.

    Its hooks are called once more; where they raise, it is the value itself.
    """
    if not schema._hooks[PRE_LOAD]:
        return value
    try:
        return schema._invoke_load_processors(
            PRE_LOAD,
            deepcopy(value),
            many=False,
            original_data=value,
            partial=schema.partial,
            unknown=schema.unknown,
        )
    except Exception:  # noqa: BLE001 - user code may raise anything; here it changes nothing
        return value


def explain_field(field: fields.Field[Any], value: Any, messages: Any) -> list[ItemError]:
    """Every message of one field that was loaded by itself."""
    name = field.data_key if field.data_key is not None else (field.name or "")
    return list(_field_errors(field, value, messages, (name,)))


Path = tuple[str, ...]


def _schema_errors(schema: Schema, item: Any, messages: Any, path: Path) -> Iterator[ItemError]:
    if not isinstance(messages, dict):
        yield from _plain_errors(messages, path)
        return
    by_data_key = {
        name if field.data_key is None else field.data_key: field
        for name, field in schema.load_fields.items()
    }
    for key, below in messages.items():
        if key == SCHEMA:
            for error in _plain_errors(below, path):
                wrong = error.message == schema.error_messages["type"]
                code = codes.WRONG_TYPE if wrong and not isinstance(item, dict) else error.code
                yield ItemError(code, error.message, error.field)
        elif key in by_data_key:
            value = item.get(key, missing) if isinstance(item, dict) else missing
            yield from _field_errors(by_data_key[key], value, below, (*path, str(key)))
        elif isinstance(item, dict) and key in item and below == [schema.error_messages["unknown"]]:
            yield ItemError(codes.UNKNOWN_FIELD, _text(below[0]), _dotted((*path, str(key))))
        else:
            yield from _plain_errors(below, (*path, str(key)))


def _field_errors(
    field: fields.Field[Any] | None, value: Any, messages: Any, path: Path
) -> Iterator[ItemError]:
    """Errors of a field; None where marshmallow does not tell which field wrote them."""
    if field is None:
        yield from _plain_errors(messages, path)
    elif isinstance(messages, dict) and messages in field.error_messages.values():
        yield ItemError(_code(field, value, messages), _text(messages), _dotted(path))
    elif isinstance(messages, dict):
        yield from _nested_errors(field, value, messages, path)
    elif isinstance(messages, list):
        for message in messages:
            yield from _field_errors(field, value, message, path)
    else:
        text = str(messages)
        yield ItemError(_code(field, value, text), text, _dotted(path), _hint(field, value))


def _hint(field: fields.Field[Any], value: Any) -> str | None:
    """What a client may do about a text that is written as others write numbers."""
    number = isinstance(field, fields.Number) and isinstance(value, str)
    return _DECIMAL_COMMA if number and _WITH_COMMA.fullmatch(value) else None


def _nested_errors(
    field: fields.Field[Any], value: Any, messages: dict[Any, Any], path: Path
) -> Iterator[ItemError]:
    if isinstance(field, fields.Nested) and not (field.schema.many or field.many):
        yield from _object_errors(field, value, messages, path)
        return
    for key, below in messages.items():
        at, inside = _step(path, key), _at(value, key)
        if isinstance(field, fields.Nested):
            if isinstance(key, int):
                yield from _object_errors(field, inside, below, at)
            else:
                yield from _plain_errors(below, at)
        elif isinstance(field, fields.Mapping) and isinstance(below, dict):
            if "key" in below:
                yield from _field_errors(field.key_field, key, below["key"], at)
            if "value" in below:
                yield from _field_errors(field.value_field, inside, below["value"], at)
        else:
            yield from _field_errors(_inner(field, key), inside, below, at)


def _object_errors(
    field: fields.Nested, value: Any, messages: Any, path: Path
) -> Iterator[ItemError]:
    if not isinstance(field, fields.Pluck):
        taken = after_pre_load(field.schema, value)
        yield from _schema_errors(field.schema, taken, messages, path)
        return
    # A plucked value stands for an object of one field; the client sent no such level.
    plucked = field._field_data_key
    for error in _schema_errors(field.schema, {plucked: value}, messages, ()):
        steps = () if error.field is None else (error.field.removeprefix(plucked).lstrip("."),)
        yield ItemError(error.code, error.message, _dotted((*path, *filter(None, steps))))


def _plain_errors(messages: Any, path: Path) -> Iterator[ItemError]:
    """Messages of a rule that only the user knows: `invalid`, at every path that they name."""
    if isinstance(messages, dict):
        for key, below in messages.items():
            yield from _plain_errors(below, _step(path, key))
    elif isinstance(messages, list | tuple):
        for message in messages:
            yield from _plain_errors(message, path)
    else:
        yield ItemError(codes.INVALID, str(messages), _dotted(path))


def _code(field: fields.Field[Any], value: Any, message: Any) -> ErrorCode:
    if value is missing:
        is_required = _made_from(field.error_messages.get("required"), message)
        return codes.REQUIRED if is_required else codes.INVALID
    if value is None and _made_from(field.error_messages.get("null"), message):
        return codes.NULL_NOT_ALLOWED
    for key, code in _BY_MESSAGE_KEY.items():
        if _made_from(field.error_messages.get(key), message):
            if code in (codes.WRONG_TYPE, codes.BAD_FORMAT) and isinstance(field, _FORMATS):
                return codes.BAD_FORMAT if isinstance(value, str) else codes.WRONG_TYPE
            return code
    if isinstance(field, fields.Enum) and message in field.field.error_messages.values():
        return codes.WRONG_TYPE
    if isinstance(field, fields.Tuple) and _raises(field.validate_length, value, message):
        return codes.BAD_LENGTH
    try:
        for prepare in field.pre_load:
            value = prepare(value)
        loaded = field._deserialize(value, field.name, {})
    except Exception:  # noqa: BLE001 - user code may raise anything; here it gives no code
        return codes.INVALID
    return _code_of_validators(field.validators, loaded, message) or codes.INVALID


def _code_of_validators(validators: Any, loaded: Any, message: str) -> ErrorCode | None:
    for validator in validators:
        if isinstance(validator, validate.And):
            code = _code_of_validators(validator.validators, loaded, message)
            if code is not None:
                return code
        for known, code in _BY_VALIDATOR:
            if isinstance(validator, known) and _raises(validator, loaded, message):
                return code
    return None


def _raises(validator: validate.Validator, loaded: Any, message: str) -> bool:
    try:
        validator(loaded)
    except ValidationError as error:
        return message in error.messages
    except Exception:  # noqa: BLE001 - a validator that cannot take the value wrote no message
        return False
    return False


def _made_from(template: Any, message: Any) -> bool:
    """Whether a message was made from one of a field's: a text, or what is shown as one (a
    translation that is looked up late), a list of them, or a dict."""
    if isinstance(template, dict) or isinstance(message, dict):
        return bool(template == message)
    if isinstance(template, list | tuple):
        return any(_made_from(each, message) for each in template)
    if template is None:
        return False
    text = str(template)
    return text == message or ("{" in text and bool(_pattern(text).fullmatch(message)))


def _text(message: Any) -> str:
    """A message as one text, where a schema gives a list or a dict of them."""
    if isinstance(message, dict):
        return ", ".join(f"{key}: {_text(each)}" for key, each in message.items())
    if isinstance(message, list | tuple):
        return " ".join(map(_text, message))
    return str(message)


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    parts = []
    for literal, placeholder, _, _ in Formatter().parse(template):
        parts.append(re.escape(literal))
        if placeholder is not None:
            parts.append(".*")
    return re.compile("".join(parts), re.DOTALL)


def _inner(field: fields.Field[Any], key: Any) -> fields.Field[Any] | None:
    if isinstance(field, fields.List):
        return field.inner
    if isinstance(field, fields.Tuple) and isinstance(key, int):
        return field.tuple_fields[key] if key < len(field.tuple_fields) else None
    return None


def _at(value: Any, key: Any) -> Any:
    try:
        return value[key]
    except (TypeError, KeyError, IndexError):
        return missing


def _step(path: Path, key: Any) -> Path:
    return path if key == SCHEMA else (*path, str(key))


def _dotted(path: Path) -> str | None:
    return ".".join(path) or None
