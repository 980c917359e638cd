"""What a collection sums up of its items: how often each value occurs, and totals of a number."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import fields, validate

from ingest.resources.columns import ColumnType

if TYPE_CHECKING:
    from ingest.resources.layout import StoredField

COUNT = "count"
"""Under what answers show how many items there are."""
RESERVED_MEMBERS = frozenset(
    [
        "result",
        "status",
        "timestamp",
        "message",
        "metadata",
        "data",
        "error",
        "failures",
        "notifications",
        "pagination",
        "meta",
        "error_name",
        "error_text",
        "profile_id",
        "error_message",
        "more_info",
        "type",
        "title",
        "detail",
        "instance",
        "errors",
    ]
)
"""What stands at the top of answers in one dialect or another."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items have each value of a field; of a list of values, each item counts once.

    Args:
        field: a field of text, of an Enum, or a list of either. The declared choices of an Enum or
            of a `OneOf` are shown even where no item has them.
    """

    field: str

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.field,)

    def refusal(self, counted: "Sequence[StoredField]") -> str | None:
        """Why the field cannot be tallied, if it cannot."""
        return None if _is_text(element_of(counted[0].field)) else "is no text, nor a list of texts"


@dataclass(frozen=True, slots=True)
class Totals:
    """How many items there are, and the exact sum of a number, for each combination of values.

    Args:
        value: an Integer or Decimal field.
        by: a field of text or of an Enum, or several in the order in which they are shown.
    """

    value: str
    by: str | Sequence[str]

    @property
    def fields(self) -> tuple[str, ...]:
        return (*each_of(self.by), self.value)

    def refusal(self, counted: "Sequence[StoredField]") -> str | None:
        """Why the last field cannot be summed up by the others, if it cannot."""
        *by, value = counted
        shown = [field.data_key for field in counted]
        if value.type not in (ColumnType.BIGINT, ColumnType.NUMERIC):
            return f"cannot sum up {value.name!r}: it is no Integer and no Decimal"
        if not by or not all(_is_text(field.field) for field in by):
            return "takes the sum by fields of text or of an Enum, one at least"
        if COUNT in shown or len(set(shown)) < len(shown):
            return f"would show two members of one name: {', '.join([*shown, COUNT])}"
        return None


Summary = Tally | Totals


def each_of(given: Any) -> tuple[Any, ...]:
    """What is declared as one value or as several."""
    return (given,) if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)


def name_refusal(name: str) -> str | None:
    """Why a summary cannot be called `name`, if it cannot."""
    if name in RESERVED_MEMBERS:
        return "the name belongs to the answer that shows it"
    if not _NAME.fullmatch(name):
        return "the name must be letters, digits and '_', begin with a letter, 48 at most"
    return None


def element_of(field: fields.Field[Any]) -> fields.Field[Any]:
    """What a list holds; of any other field, the field itself."""
    return field.inner if isinstance(field, fields.List) else field


def choices_of(field: fields.Field[Any]) -> Iterator[Any]:
    """Every value that is declared for a field of text, as items show it."""
    if isinstance(field, fields.Enum):
        for member in field.enum:
            yield field._serialize(member, "", {})
    for validator in field.validators:
        if isinstance(validator, validate.OneOf):
            yield from (choice for choice in validator.choices if isinstance(choice, str))


def _is_text(field: fields.Field[Any]) -> bool:
    return isinstance(field, fields.String | fields.Enum) and not isinstance(field, fields.UUID)
