"""Where in a user's files an error came from: the line to look at, and not ours that noticed it."""

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[1])
_STANDARD = sysconfig.get_path("stdlib")
INSTALLED = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
"""The folders of what is installed beside Python itself."""


def place_of(error: BaseException) -> str | None:
    """`file:line` of the last line of a user's that led to an error; None where there is none."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return shown(error.filename, error.lineno)
    places = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.lineno and _may_be_users(frame.filename)
    ]
    # A user's package may be installed beside the libraries that it calls.
    own = [place for place in places if not place[0].startswith(INSTALLED)] or places[:1]
    return shown(*own[-1]) if own else None


def place_of_caller() -> str | None:
    """`file:line` of the innermost call from outside of this package; None where there is none."""
    for filename, line in _callers():
        if _may_be_users(filename):
            return shown(filename, line)
    return None


def shown(filename: str, line: int) -> str:
    """A place as messages name it: relative where it is below the current folder."""
    path = Path(filename)
    folder = Path.cwd()
    return f"{path.relative_to(folder) if path.is_relative_to(folder) else path}:{line}"


def _callers() -> Iterator[tuple[str, int]]:
    frame = sys._getframe(1)
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]  # None ends it


def _may_be_users(filename: str) -> bool:
    if filename.startswith(("<", _PACKAGE + os.sep)):
        return False
    return not filename.startswith(_STANDARD) or filename.startswith(INSTALLED)
