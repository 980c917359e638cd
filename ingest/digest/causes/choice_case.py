"""A choice in other letters: `WON` where the schema has `won`."""

from collections.abc import Iterable, Iterator
from typing import Any

from marshmallow import fields, validate

from ingest.digest.cause import of_values
from ingest.digest.marks import UNLIKE
from ingest.digest.places import Field, Place


def choices_of(field: Field) -> list[str]:
    """The texts that a field takes; none where it takes others as well."""
    return [each for each in _choices(field) if isinstance(each, str)]


def _choices(field: Field) -> Iterator[Any]:
    if isinstance(field, fields.Enum):
        if field.by_value is False:
            yield from field.enum.__members__
        else:
            yield from (member.value for member in field.enum)
    yield from _one_of(field.validators)


def _one_of(validators: Iterable[Any]) -> Iterator[Any]:
    for each in validators:
        if isinstance(each, validate.And):
            yield from _one_of(each.validators)
        elif isinstance(each, validate.OneOf):
            yield from each.choices


def mend(value: Any, place: Place) -> Any:
    """The one choice that differs by its case, and by blanks around it."""
    if not isinstance(value, str) or place.field is None:
        return UNLIKE
    wanted = value.strip().casefold()
    found = [each for each in choices_of(place.field) if each.casefold() == wanted]
    return found[0] if len(found) == 1 and found[0] != value else UNLIKE


propose = of_values(
    "choice_case",
    "The values are choices in other letters.",
    lambda field: bool(choices_of(field)),
    mend,
)
