"""UTF-8 that was read as windows-1252: `JosÃ©` for `José`."""

import re
from typing import Any

from marshmallow import fields

from ingest.digest.cause import of_values
from ingest.digest.marks import LOST, UNLIKE
from ingest.digest.places import Field, Place

# The five bytes that windows-1252 leaves undefined are the controls of their numbers (WHATWG).
_UNDEFINED = {chr(byte): byte for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
# What bytes of a character beyond ASCII look like: a leading byte, and one that goes on.
_LEADING = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u2122]")
_REPLACED = "\ufffd"


def mend(value: Any, _: Place) -> Any:
    """The text that was meant; LOST where characters were replaced already."""
    if not isinstance(value, str):
        return UNLIKE
    if _REPLACED in value:
        return LOST
    if not _LEADING.search(value):
        return UNLIKE
    try:
        return b"".join(map(_byte, value)).decode()
    except ValueError:
        return UNLIKE


def _byte(character: str) -> bytes:
    """Raises UnicodeEncodeError where it is no character of windows-1252."""
    byte = _UNDEFINED.get(character)
    return character.encode("cp1252") if byte is None else bytes([byte])


def _fits(field: Field) -> bool:
    return isinstance(field, fields.String | fields.Enum)


propose = of_values(
    "wrong_charset",
    "The texts are UTF-8 that was read as windows-1252, or characters of theirs are lost. Texts "
    "that passed may be so, too: it is better to send the file again with its charset.",
    _fits,
    mend,
)
