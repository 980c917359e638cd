"""The cells of a sheet that have no value: those with an error, and formulas without a result.

python-calamine shows both as empty cells. So their places are found in the XML of the workbook,
without a tree of it: .xlsx names the place of each cell, and .ods counts.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import IO, Any

from lxml import etree

from ingest.load.errors import LoadError

Cells = dict[int, dict[int, str]]
"""By row and column, both from 1: the text that the cell shows, empty for a formula without one."""

# With False, libxml2 leaves `&amp;` in attributes as it is.
_SAFE: Any = {"resolve_entities": "internal", "no_network": True, "load_dtd": False}
_STEP = 1024 * 1024
_MAX_XML = 16 * _STEP
"""The most bytes of a workbook's lists of sheets, and of one row."""
_MAX_CELLS = 1_000_000
_P = rb"(?:\w+:)?"  # the prefix of a namespace
_START = rb"<%bc\s(?P<attributes>[^<>]*[^<>/])>\s*" % _P
_FORMULA = rb"<%bf\b[^<>]*?(?:/>|>[^<]*</%bf>)\s*" % (_P, _P)
_CELL = re.compile(
    rb"%b(?P<formula>%b)?(?:<%bv\s*/>|<%bv(?:\s[^<>]*)?>(?P<value>[^<]*)</%bv>)?\s*</%bc>"
    % (_START, _FORMULA, _P, _P, _P, _P)
)
_SUSPECT = re.compile(rb"""\bt=["']e["']|<%bf\b""" % _P)
_TYPE = re.compile(rb"""\bt=["'](\w+)["']""")
_PLACE = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_END_OF_ROW = b"row>"
_ODS = "content.xml"
_CELLS = ("table-cell", "covered-table-cell")


def cells_without_value(archive: zipfile.ZipFile, sheet: str) -> Cells:
    """Those of one sheet of an .xlsx or .ods workbook.

    Raises:
        LoadError: there are too many of them, or a cell does not say its place.
    """
    found: Cells = {}
    places = _in_ods(archive, sheet) if _ODS in archive.namelist() else _in_xlsx(archive, sheet)
    for number, (row, column, text) in enumerate(places):
        if number == _MAX_CELLS:
            raise LoadError(f"more than {_MAX_CELLS} cells of the sheet {sheet!r} have no value")
        found.setdefault(row, {})[column] = text
    return found


def column_name(column: int) -> str:
    """The letters of a column, counted from 1."""
    name = ""
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def _column(name: bytes) -> int:
    column = 0
    for letter in name:
        column = 26 * column + letter - ord("A") + 1
    return column


# -- .xlsx ------------------------------------------------------------------------------------


def _in_xlsx(archive: zipfile.ZipFile, sheet: str) -> Iterator[tuple[int, int, str]]:
    with archive.open(_part(archive, sheet)) as part:
        for text in _whole_rows(part):
            if _SUSPECT.search(text) is None:
                continue
            for cell in _CELL.finditer(text):
                kind = _TYPE.search(cell["attributes"])
                is_error = kind is not None and kind[1] == b"e"
                # A formula that gives an empty text has a type, and no value.
                if is_error or (cell["formula"] and not cell["value"] and kind is None):
                    place = _PLACE.search(cell["attributes"])
                    if place is None:
                        raise LoadError(f"a cell of the sheet {sheet!r} has an error and no place")
                    shown = (cell["value"] or b"").decode(errors="replace")[:50]
                    yield int(place[2]), _column(place[1]), shown


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """The name of the part of an .xlsx workbook that a sheet is in."""
    parts = _Parts(archive)
    main = next(
        (target for kind, target in parts.links("").values() if kind.endswith("/officeDocument")),
        "xl/workbook.xml",
    )
    links = parts.links(main)
    for each in parts.parsed(main).iter("{*}sheet"):
        identity = next((v for k, v in each.items() if etree.QName(k).localname == "id"), None)
        if each.get("name") == sheet and identity in links:
            return parts.stored(links[identity][1])
    raise LoadError(f"the workbook does not say where its sheet {sheet!r} is")


class _Parts:
    """The parts of an .xlsx workbook, which some programs write with other names than they say."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {
            name.replace("\\", "/").lstrip("/").lower(): name for name in archive.namelist()
        }

    def stored(self, name: str) -> str:
        """The name that the archive has for a part."""
        found = self._names.get(name.lower())
        if found is None:
            raise LoadError(f"the workbook lacks its part {name[:100]!r}")
        return found

    def links(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part names by which ids: its kind and its own name; of the root for no part."""
        folder, _, name = part.rpartition("/")
        found = {}
        for each in self.parsed(posixpath.join(folder, "_rels", f"{name}.rels")):
            if each.get("Id") and each.get("Target"):
                target = posixpath.join("/", folder, each.get("Target"))
                found[each.get("Id")] = (
                    each.get("Type", ""),
                    posixpath.normpath(target).lstrip("/"),
                )
        return found

    def parsed(self, name: str) -> Any:
        stored = self.stored(name)
        if self._archive.getinfo(stored).file_size > _MAX_XML:
            raise LoadError("the workbook has too many sheets")
        return etree.fromstring(self._archive.read(stored), etree.XMLParser(**_SAFE))


def _whole_rows(part: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while data := part.read(_STEP):
        text = rest + data
        end = text.rfind(_END_OF_ROW) + len(_END_OF_ROW)
        end = end if end >= len(_END_OF_ROW) else 0
        yield text[:end]
        rest = text[end:]
        if len(rest) > _MAX_XML:
            raise LoadError("the workbook has a row that is too large")
    yield rest


# -- .ods -------------------------------------------------------------------------------------


def _in_ods(archive: zipfile.ZipFile, sheet: str) -> Iterator[tuple[int, int, str]]:
    with archive.open(_ODS) as part:
        if not _has_formulas(part):
            return
    with archive.open(_ODS) as part:
        row = column = 0
        inside = False
        for event, element in etree.iterparse(
            part,
            events=("start", "end"),
            tag=tuple(f"{{*}}{name}" for name in ("table", "table-row", *_CELLS)),
            **_SAFE,
        ):
            name = etree.QName(element).localname
            if event == "start":
                if name == "table":
                    inside, row = _attribute(element, "name") == sheet, 0
                column = 0 if name == "table-row" else column
            elif name in _CELLS and inside:
                repeated = _repeated(element, "number-columns-repeated")
                shown = _shown(element)
                for each in range(repeated if shown is not None else 0):
                    yield row + 1, column + each + 1, shown or ""
                column += repeated
            elif name == "table-row":
                row += _repeated(element, "number-rows-repeated")
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]


def _has_formulas(part: IO[bytes]) -> bool:
    before = b""
    while data := part.read(_STEP):
        if b":formula=" in before + data:
            return True
        before = data[-16:]
    return False


def _shown(cell: Any) -> str | None:
    """What a cell without a value shows; None for one with a value."""
    kinds = {v for k, v in cell.items() if etree.QName(k).localname == "value-type"}
    if _attribute(cell, "formula") is None or kinds - {"error", "string"}:
        return None
    if kinds and "error" not in kinds:
        return None
    return "".join(cell.itertext()).strip()[:50]


def _attribute(element: Any, name: str) -> str | None:
    return next((v for k, v in element.items() if etree.QName(k).localname == name), None)


def _repeated(element: Any, name: str) -> int:
    text = _attribute(element, name) or "1"
    return int(text) if text.isdigit() and len(text) < 10 else 1
