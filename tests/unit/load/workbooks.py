"""Workbooks for the tests: .xlsx by openpyxl, .ods by hand."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl

_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMES = " ".join(
    [f'xmlns:{name}="{_OASIS}{name}:1.0"' for name in ("office", "table", "text")]
    + ['xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"']
)


def xlsx(**sheets: Sequence[Sequence[Any]]) -> bytes:
    """A workbook with the rows of each sheet; an empty row is left out of the file."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row, 1):
                sheet.cell(number, column).value = value
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def ods(rows: str) -> bytes:
    """A workbook whose only sheet has these rows."""
    table = f'<table:table table:name="Q &amp; A">{rows}</table:table>'
    content = (
        f"<office:document-content {_NAMES}><office:body><office:spreadsheet>{table}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{_OASIS}manifest:1.0"/>')
        archive.writestr("content.xml", content)
    return file.getvalue()


def changed(workbook: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """A workbook with another text in one of its parts."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as before,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for name in before.namelist():
            data = before.read(name)
            assert name != part or old in data
            after.writestr(name, data.replace(old, new) if name == part else data)
    return file.getvalue()
