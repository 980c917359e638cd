"""A whole body at once: JSON decoded into typed items, which are staged as they were sent.

msgspec checks types, lengths, ranges and choices while it decodes. What it cannot say (addresses,
times, the user's patterns) is asked of all values of a field together. An item that passes is one
that marshmallow accepts, and its members are what its columns read as the values that it loads
(`scalars`, `parts`). What does not pass is a plain item again, for the next engine to decide.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

import msgspec
import orjson
from marshmallow import missing
from msgspec import UNSET

from ingest.exactjson import load_exact
from ingest.model import Action
from ingest.resources.layout import StoredField
from ingest.resources.records import CLIENT_KEY, GROUP, INDEX, SET, RecordWriter
from ingest.resources.resource import Resource
from ingest.validation.engine.load import Partial
from ingest.validation.engine.source import Uncompiled
from ingest.validation.engine.typed.members import NOTHING, Member, declared, members_of
from ingest.validation.engine.typed.parts import define_object, levels_of
from ingest.validation.engine.typed.rules import rule_of

_TOGETHER = 16
"""Items that are decoded in one go where a body holds one that is refused: most others are not."""
_ASKED = 500
"""Items whose values are looked at together."""
_ESCAPED_NUL = b"\\u0000"
_WHITE_SPACE = b" \t\r\n"


def _go_on() -> None:
    """Let the work go on."""


class TypedItems:
    """The typed items of one resource, action and set of options."""

    def __init__(self, resource: Resource, writer: RecordWriter, partial: Partial) -> None:
        """
        Raises:
            Uncompiled: a field is stored in another form than it is sent in.
        """
        members = members_of(resource, writer, partial)
        service = ("index", INDEX), ("carried", SET), ("client_key", CLIENT_KEY), ("group", GROUP)
        own = [(attribute, name, NOTHING, False) for attribute, name in service]
        self._item = define_object(resource.name, [*map(declared, members), *own])
        self._stored = _stored_class(self._item, members, own)
        self._rules = [
            rule_of(each.attribute, each.value, nullable=each.nullable)
            for each in members
            if each.value.has_rule
        ]
        self._defaults = [each for each in members if each.default is not missing]
        self._rewrites = [
            (each.attribute, each.value.rewrite) for each in members if each.value.rewrite
        ]
        deepest = max((levels_of(each.converter.field.field) for each in members), default=0)
        self.levels = 2 + deepest
        """How deep a body of them may nest, its array included."""
        self._key = _key_of(resource, members) if resource.server_key else None
        self._makes_keys = _makes_keys(resource, writer)
        self._carried = _carried(resource, writer, members) if writer.sparse else None
        try:
            self._one = msgspec.json.Decoder(self._item)
            self._many = msgspec.json.Decoder(list[self._item])  # type: ignore[name-defined]
        except (TypeError, ValueError) as error:
            raise Uncompiled(f"msgspec decodes no such type: {error}") from error

    def decode(self, body: bytes, check: Callable[[], None] = _go_on) -> list[Any] | None:
        """The elements of a JSON array: typed items, and others as `load_exact` reads them.

        Args:
            check: is called now and then; what it raises ends the work.

        Returns:
            None where it is no JSON array of UTF-8, or `load_exact` may not read one of them.
        """
        if not _may_be_typed(body):
            return None
        try:
            try:
                items = self._many.decode(body)
            except msgspec.DecodeError:
                items = self._decode_parts(body)
            return self._vouched(items, check)
        except (msgspec.DecodeError, orjson.JSONDecodeError, RecursionError):
            return None

    def decode_lines(self, lines: bytes) -> list[Any] | None:
        """The items of lines, as `decode` reads them; None where it would."""
        if not _may_be_typed(lines):
            return None
        try:
            items = self._decode_plain_lines(lines)
            if items is None:
                items = [self._decode_one(line) for line in lines.split(b"\n") if line.strip()]
            return self._vouched(items, _go_on)
        except (msgspec.DecodeError, orjson.JSONDecodeError, RecursionError):
            return None

    def _decode_plain_lines(self, lines: bytes) -> list[Any] | None:
        """The items of lines with one typed item each; None where one may have another number.

        msgspec takes any white space between items, and inside of them. A line break between a
        closing and an opening brace is not inside of one: there would be a comma as well.
        """
        text = lines.strip(_WHITE_SPACE)
        breaks = text.count(b"\n")
        if text.count(b"}\n{") + text.count(b"}\r\n{") < breaks:
            return None
        try:
            items = self._one.decode_lines(text)
        except msgspec.DecodeError:
            return None
        return items if len(items) == breaks + 1 else None

    def is_typed(self, item: Any) -> bool:
        """Whether something is a typed item of these."""
        return type(item) is self._item

    def _decode_parts(self, body: bytes) -> list[Any]:
        parts = [bytes(each) for each in _PARTS.decode(body)]
        found: list[Any] = []
        for start in range(0, len(parts), _TOGETHER):
            found += self._decode_some(parts[start : start + _TOGETHER])
        return found

    def _decode_some(self, parts: Sequence[bytes]) -> list[Any]:
        try:
            return self._many.decode(b"[%b]" % b",".join(parts))
        except msgspec.DecodeError:
            return [self._decode_one(part) for part in parts]

    def _decode_one(self, part: bytes) -> Any:
        try:
            return self._one.decode(part)
        except msgspec.DecodeError:
            return load_exact(part)

    def _vouched(self, items: list[Any], check: Callable[[], None]) -> list[Any]:
        """The same items; those that a rule does not vouch for are plain ones."""
        typed = [(place, item) for place, item in enumerate(items) if type(item) is self._item]
        for start in range(0, len(typed), _ASKED):
            check()
            some = typed[start : start + _ASKED]
            asked = [item for _, item in some]
            for position in {each for rule in self._rules for each in rule.refused(asked)}:
                place, item = some[position]
                # Its members are in the order of the schema.
                items[place] = load_exact(msgspec.json.encode(item))
        return items

    def stage(
        self, items: Sequence[Any], first: int, keys: Sequence[str | None], group: str | None
    ) -> tuple[bytes, dict[str, Any]]:
        """Records of typed items that are not refused, as JSON, and the raw items to keep.

        Args:
            first: the index of the first one in its request.
            keys: one for each item that has none.
            group: what they are to belong to.
        """
        carried = [] if self._carried is None else [*self._carried(items)]
        raw = self._complete(items, first)
        for item, bits in zip(items, carried, strict=False):
            item.carried = bits
        self._set_keys(items, keys)
        for index, item in enumerate(items, first):
            item.index = index
        if group is not None:
            for item in items:
                item.group = group
        stored = items
        if self._stored is not None:
            stored = msgspec.convert(items, list[self._stored], from_attributes=True)  # type: ignore[name-defined]
        return msgspec.json.encode(stored), raw

    def _complete(self, items: Sequence[Any], first: int) -> dict[str, Any]:
        """Put into items what is stored and they do not have; those that it changes, by index, as
        they were received."""
        raw: dict[str, Any] = {}
        if not self._defaults and not self._rewrites:
            return raw
        for index, item in enumerate(items, first):
            lacks = [each for each in self._defaults if getattr(item, each.attribute) is UNSET]
            if lacks or self._rewrites:
                received = msgspec.json.encode(item)
                if self._rewritten(item) or lacks:
                    raw[str(index)] = orjson.Fragment(received)
            for each in lacks:
                setattr(item, each.attribute, each.default)
        return raw

    def _rewritten(self, item: Any) -> bool:
        """Whether a value of an item is stored in another form, which is in its place now."""
        changes: list[Any] = []
        for attribute, rewrite in self._rewrites:
            value = getattr(item, attribute)
            if value is not UNSET and value is not None:
                setattr(item, attribute, rewrite(value, changes))
        return bool(changes)

    def _set_keys(self, items: Sequence[Any], keys: Sequence[str | None]) -> None:
        if self._key is None:
            return
        for item, key in zip(items, keys, strict=True):
            if getattr(item, self._key) is not UNSET:
                item.client_key = True
            elif self._makes_keys:
                setattr(item, self._key, key)


_PARTS = msgspec.json.Decoder(list[msgspec.Raw])


def _may_be_typed(body: bytes) -> bool:
    """Whether a body is UTF-8, which is not asked of what is not decoded, and no text holds NUL."""
    if _ESCAPED_NUL in body:
        return False
    try:
        return body.isascii() or bool(body.decode())
    except UnicodeDecodeError:
        return False


def typed_items(resource: Resource, writer: RecordWriter, partial: Partial) -> TypedItems | None:
    """The typed items of a resource; None where a field is stored in another form than it is sent
    in, or only marshmallow knows what it accepts."""
    try:
        return TypedItems(resource, writer, partial)
    except Uncompiled:
        return None


def _makes_keys(resource: Resource, writer: RecordWriter) -> bool:
    """Whether an item without a key gets one before it is staged."""
    creates = writer.action is Action.CREATE
    return resource.server_key and creates and not resource.database_key


def _key_of(resource: Resource, members: Sequence[Member]) -> str | None:
    fields = {each.converter.field: each.attribute for each in members}
    return fields.get(resource.key)


def _stored_class(item: type, members: Sequence[Member], own: Sequence[Any]) -> Any:
    """What items become to be staged where columns have other names than members."""
    if all(each.converter.column == each.converter.field.data_key for each in members):
        return None
    stored = [(each.attribute, each.converter.column, Any, False) for each in members]
    return define_object(item.__name__, [*stored, *((a, name, Any, False) for a, name, *_ in own)])


def _carried(
    resource: Resource, writer: RecordWriter, members: Sequence[Member]
) -> Callable[[Sequence[Any]], Iterable[str]]:
    """From items to one bit for each field of the resource: whether the item carried it."""
    attributes = {each.converter.field: each.attribute for each in members}
    made = _makes_keys(resource, writer)

    def bits(field: StoredField) -> Callable[[Sequence[Any]], Iterable[str]]:
        if writer.replaces(field) or (made and field is resource.key):
            return lambda items: repeat("1", len(items))
        if field not in attributes:
            return lambda items: repeat("0", len(items))
        value = attrgetter(attributes[field])
        return lambda items: ["0" if each is UNSET else "1" for each in map(value, items)]

    columns = [bits(field) for field in resource.fields]

    def carried(items: Sequence[Any]) -> Iterable[str]:
        return map("".join, zip(*(column(items) for column in columns), strict=True))

    return carried
