"""Workbooks (.xlsx, .ods): one sheet becomes a temporary file of its rows, which is what is loaded.

Another process makes that file (`ingest.load.sheet_process`), within a limit of memory.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import orjson

from ingest.load.errors import LoadError
from ingest.load.source import Source, temporary_file

REFUSED, NO_MEMORY = 3, 4
"""How that process ends when it does not read the workbook; standard error says why."""
MAX_MEMORY = 2 * 1024**3
"""The most bytes that it takes."""
_OUT_OF_MEMORY = {NO_MEMORY, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGSEGV}
_OUT_OF_LIMITS = {-signal.SIGXCPU, -signal.SIGXFSZ}


@contextmanager
def sheet_of(
    source: Source,
    sheet: str | None,
    note: Callable[[str], None],
    *,
    dates: str | None = None,
    decimal: str | None = None,
) -> Iterator[Source]:
    """The rows of a sheet of a workbook, for `read_sheet`.

    Args:
        sheet: its name or number; None for the first one that is shown.
        dates, decimal: as the command has them; None for ISO 8601 and a point.
        note: shows which one is loaded, where it was not said.

    Raises:
        LoadError: what reads workbooks is not installed; the workbook cannot be read, or takes too
            much memory; there is no such sheet.
    """
    if find_spec("python_calamine") is None:
        raise LoadError(
            f"{source.name}: workbooks need one more package; run: "
            "pip install 'ingest-service[sheets]'"
        )
    with temporary_file() as rows:
        ended = subprocess.run(  # noqa: S603 - our own program
            [
                *(sys.executable, "-P", "-m", "ingest.load.sheet_process"),
                *(each or "" for each in (sheet, dates, decimal)),
            ],
            stdin=source.descriptor,
            stdout=rows,
            stderr=subprocess.PIPE,
            # It reads what others have written, and has no need of the token.
            env={name: value for name, value in os.environ.items() if "INGEST" not in name},
            check=False,
        )
        if ended.returncode:
            raise LoadError(f"{source.name}: {_reason(ended)}")
        rows.seek(0)
        found = orjson.loads(rows.readline())
        if sheet is None and found["others"]:
            note(
                f"{source.name}: this loads its sheet {found['sheet']!r}, the first of "
                f"{found['others'] + 1}; --sheet names another"
            )
        yield Source(rows, source.name)


def _reason(ended: "subprocess.CompletedProcess[bytes]") -> str:
    said = ended.stderr.decode(errors="replace").strip()
    if ended.returncode == REFUSED:
        return said
    if ended.returncode in _OUT_OF_MEMORY:
        return (
            f"reading it takes more than {MAX_MEMORY} bytes of memory; is there a cell far below "
            "or to the right? Save the sheet as CSV"
        )
    if ended.returncode in _OUT_OF_LIMITS:
        return "it is too large to be read as a workbook; save the sheet as CSV"
    return f"the workbook cannot be read: {said.splitlines()[-1][:300] if said else 'no reason'}"
