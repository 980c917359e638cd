"""What a request says about its CSV body: the query parameters, and the media type's `header`."""

from collections.abc import Mapping

from ingest.errors import InvalidParameter
from ingest.formats.csv_notation import DATE_ORDERS, DateOrder, Notation
from ingest.formats.csv_records import DELIMITERS
from ingest.formats.negotiation import CSV, BodyFormat, EmptyAs

CSV_PARAMETERS = frozenset(
    {"columns", "dates", "decimal", "delimiter", "emptyAs", "nulls", "shortRows"}
)
"""The query parameters that say how a CSV body is read."""

DECIMALS = {"point": ".", "comma": ","}
SHORT_ROWS = ("refuse", "pad")


def csv_format(
    charset: str | None, header: str | None, parameters: Mapping[str, str]
) -> BodyFormat:
    """CSV as the media type's `header`, and the values of `CSV_PARAMETERS`, say.

    Raises:
        InvalidParameter: names the parameter and what it takes.
    """
    if header not in (None, "present", "absent"):
        raise InvalidParameter(
            f"The parameter 'header' of {CSV} cannot be {header[:50]!r}",
            "It takes present or absent (RFC 4180).",
        )
    return BodyFormat(
        CSV,
        charset,
        _character(parameters, "delimiter", DELIMITERS),
        empty_as=empty_as(parameters),
        has_header=header != "absent",
        columns=_columns(header, parameters),
        pads_short_rows=_choice(parameters, "shortRows", SHORT_ROWS) == "pad",
        notation=_notation(parameters),
    )


def empty_as(parameters: Mapping[str, str]) -> EmptyAs | None:
    """What `emptyAs` says. Raises InvalidParameter as `csv_format`."""
    said = _choice(parameters, "emptyAs", tuple(EmptyAs))
    return None if said is None else EmptyAs(said)


def _choice(parameters: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    value = parameters.get(name)
    if value not in (None, *choices):
        raise illegal(name, value, " or ".join(choices))
    return value


def _character(
    parameters: Mapping[str, str], name: str, characters: Mapping[str, str]
) -> str | None:
    """A character that is given by itself or by its name."""
    value = parameters.get(name)
    if value not in (None, *characters, *characters.values()):
        raise illegal(name, value, f"{', '.join(characters)}, or the character itself")
    return None if value is None else characters.get(value, value)


def _columns(header: str | None, parameters: Mapping[str, str]) -> tuple[str, ...]:
    columns = tuple(filter(None, map(str.strip, parameters.get("columns", "").split(","))))
    if "columns" in parameters and (header != "absent" or not columns):
        raise illegal(
            "columns",
            parameters["columns"],
            "the names of the columns, with commas between them, of a body of type "
            f"{CSV}; header=absent",
        )
    return columns


def _notation(parameters: Mapping[str, str]) -> Notation | None:
    decimal = _character(parameters, "decimal", DECIMALS)
    dates, nulls = parameters.get("dates"), parameters.get("nulls")
    try:
        order = None if dates is None else DateOrder.of(dates)
    except ValueError:
        raise illegal("dates", dates, DATE_ORDERS) from None
    texts = frozenset() if nulls is None else frozenset(nulls.split(","))
    if "" in texts:
        wanted = "texts with commas between them, such as NULL,N/A; for empty cells: emptyAs=null"
        raise illegal("nulls", nulls, wanted)
    notation = Notation(decimal == ",", order, texts)
    return None if notation == Notation() else notation


def illegal(name: str, value: str | None, takes: str) -> InvalidParameter:
    """The error of a query parameter with a value that it cannot have."""
    return InvalidParameter(
        f"The query parameter {name!r} cannot be {str(value)[:50]!r}", f"It takes {takes}."
    )
