"""Words that mean that there is no value: `N/A`, `-`, `null`, an empty text."""

from typing import Any

from ingest.digest.cause import of_values
from ingest.digest.marks import UNLIKE
from ingest.digest.places import Place

WORDS = frozenset(
    {
        "",
        "-",
        "--",
        "\u2013",
        "\u2014",
        "n/a",
        "n.a.",
        "nan",
        "nil",
        "none",
        "null",
        "(null)",
        "undefined",
        "\\n",
    }
)


def mend(value: Any, place: Place) -> Any:
    """What says there that there is no value: null, or no such field."""
    is_word = isinstance(value, str) and value.strip().casefold() in WORDS
    return place.nothing if is_word else UNLIKE


propose = of_values(
    "word_for_nothing", "The values are words that say that there is none.", lambda _: True, mend
)
