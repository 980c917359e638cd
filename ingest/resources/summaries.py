"""What a collection sums up of its items: how often each value occurs, and totals of a number."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items have each value of a field; of a list of values, each item counts once.

    Args:
        field: a field of text, of an Enum, or a list of either. The declared choices of an Enum or
            of a `OneOf` are shown even where no item has them.
    """

    field: str


@dataclass(frozen=True, slots=True)
class Totals:
    """How many items there are, and the exact sum of a number, for each combination of values.

    Args:
        value: an Integer or Decimal field.
        by: fields of text or of an Enum, in the order in which they are shown.
    """

    value: str
    by: tuple[str, ...]


Summary = Tally | Totals
