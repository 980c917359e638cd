"""Times as `isoformat` writes them, from the text that the database's JSON has for them."""

from collections.abc import Callable
from typing import Any

from marshmallow import fields

from ingest.resources.columns import ColumnType
from ingest.resources.layout import StoredField

_KINDS = {fields.DateTime, fields.AwareDateTime, fields.NaiveDateTime, fields.Time}
_ISO = ("iso", "iso8601")
# Where a fraction of a second begins, if there is one.
_FRACTION = {ColumnType.TIMESTAMPTZ: 19, ColumnType.TIMESTAMP: 19, ColumnType.TIME: 8}


def iso_text(field: StoredField) -> Callable[[Any], Any] | None:
    """From stored text to shown text; None of a field that does not show times in ISO form.

    No time is made of the text: that takes ten times as long.
    """
    kind: Any = field.field
    if type(kind) not in _KINDS or field.type not in _FRACTION:
        return None
    if (kind.format or kind.DEFAULT_FORMAT) not in _ISO:
        return None
    point = _FRACTION[field.type]

    def shown(stored: str | None) -> str | None:
        if stored is None or stored[point : point + 1] != ".":
            return stored
        # The database leaves out the zeros at the end of a fraction, `isoformat` does not.
        second, rest = stored[:point], stored[point + 1 :]
        fraction = rest.partition("+")[0].partition("-")[0]
        return f"{second}.{fraction:0<6}{rest[len(fraction) :]}"

    return shown
