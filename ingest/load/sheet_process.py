"""Reads one sheet of a workbook, in a process of its own.

::

    python -m ingest.load.sheet_process SHEET DATES DECIMAL < WORKBOOK > ROWS

A small workbook may take any amount of memory: it has one cell far away, or a million cells that
share one long text. The memory of a process can be limited, and it ends alone.

The first line that is written is `{"sheet": name, "others": number}`; each of the others is a row
that is not blank, as JSON: `[number, [cells], problem]`.
"""

import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson
import python_calamine as calamine
from lxml import etree

from ingest.load.cell_errors import Cells, cells_without_value, column_name
from ingest.load.cell_texts import ISO, Notation, is_rounded, text_of
from ingest.load.errors import LoadError
from ingest.load.workbook import MAX_MEMORY, NO_MEMORY, REFUSED

_MAX_UNPACKED = 1024**3
"""The most bytes of the parts of a workbook, unpacked."""
_MAX_WRITTEN = 4 * 1024**3
_MAX_SECONDS = 900
_SHOWN = 20


def _main(sheet: str, dates: str, decimal: str) -> int:
    for what, limit in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_FSIZE, _MAX_WRITTEN),
        (resource.RLIMIT_CPU, _MAX_SECONDS),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (limit if hard < 0 else min(limit, hard), hard))
    try:
        for line in lines_of(sys.stdin.buffer, sheet, Notation(dates, decimal)):
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    except (LoadError, zipfile.BadZipFile, etree.XMLSyntaxError) as error:
        sys.stderr.write(str(error))
        return REFUSED
    except MemoryError:
        return NO_MEMORY
    return 0


def lines_of(file: BinaryIO, wanted: str, notation: Notation = ISO) -> Iterator[bytes]:
    """What is written of a workbook.

    Args:
        wanted: the name or the number of its sheet, empty for the first one that is shown.

    Raises:
        LoadError: it cannot be read, or has no such sheet.
    """
    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
        if size > _MAX_UNPACKED:
            raise LoadError(
                f"it has {size} bytes when it is unpacked, and at most {_MAX_UNPACKED} are read; "
                "save the sheet as CSV"
            )
        file.seek(0)
        try:
            with calamine.CalamineWorkbook.from_filelike(file) as workbook:
                name, others = _chosen(workbook, wanted)
                sheet = workbook.get_sheet_by_name(name)
        except calamine.PasswordError:
            raise LoadError("it has a password; save it without one") from None
        except (calamine.CalamineError, OSError, ValueError) as error:
            raise LoadError(
                f"the workbook cannot be read: {str(error)[:300]}; it is damaged, has a password, "
                "or asks for too many cells"
            ) from None
        without_value = cells_without_value(archive, name)
    yield orjson.dumps({"sheet": name, "others": others}) + b"\n"
    first = sheet.start[1] + 1 if sheet.start else 1
    for number, values in enumerate(sheet.iter_rows(), 1):
        cells, problem = _row(number, first, values, without_value, notation)
        if problem or any(cells):
            yield orjson.dumps([number, cells, problem]) + b"\n"


def _chosen(workbook: calamine.CalamineWorkbook, wanted: str) -> tuple[str, int]:
    """The name of a sheet, and how many others are shown."""
    shown = [
        each.name
        for each in workbook.sheets_metadata
        if each.typ == calamine.SheetTypeEnum.WorkSheet
        and each.visible == calamine.SheetVisibleEnum.Visible
    ]
    names = shown or workbook.sheet_names
    if not names:
        raise LoadError("the workbook has no sheet")
    if not wanted:
        return names[0], len(names) - 1
    if wanted in workbook.sheet_names:
        return wanted, 0
    if wanted.isdecimal() and 1 <= int(wanted[:6]) <= len(names):
        return names[int(wanted[:6]) - 1], 0
    listed = ", ".join(map(repr, names[:_SHOWN]))
    raise LoadError(f"there is no sheet {wanted[:100]!r}; there are {len(names)}: {listed}")


def _row(
    number: int, first: int, values: list[Any], without_value: Cells, notation: Notation
) -> tuple[list[str], str | None]:
    """The cells of a row as texts, and what is wrong with them.

    Args:
        number: of the row, from 1.
        first: the column of the first value, from 1.
    """
    cells = [text_of(value, notation) for value in values]
    problems: dict[int, str] = {}
    for column, value in enumerate(values, first):
        if is_rounded(value):
            problems[column] = (
                "is a number of more than 15 digits, of which a spreadsheet keeps no more: make "
                "the cell a text."
            )
    for column, shown in without_value.get(number, {}).items():
        if 0 <= column - first < len(cells):
            cells[column - first] = shown
        problems[column] = (
            f"is {shown}."
            if shown
            else "is a formula without a result: open the workbook in a spreadsheet program, and "
            "save it."
        )
    said = [f"Cell {column_name(each)}{number} {problems[each]}" for each in sorted(problems)]
    return cells, " ".join(said) or None


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
