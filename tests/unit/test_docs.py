"""The documentation: its links, commands, words and sizes."""

import re
from dataclasses import MISSING, Field, fields
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from ingest.cli.main import cli
from ingest.settings import Settings
from ingest.store.sqlstates import NOT_NOW

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
RECORDS = sorted((DOCS / "decisions").glob("0*.md"))
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"`((?:ingest|workers|migrations|tests|benchmarks|docs|\.ci)/[\w./*-]*)`")
_MODULE = re.compile(r"python -m ([a-z][a-z_.]+[a-z_])")
_TARGET = re.compile(r"(?:`|\$ )make ([a-z]+)\b")
_COMMAND = re.compile(r"(?:`|\$ (?:\.venv/bin/)?)ingest ((?:[a-z]+ ?)+)")
_AVOIDED = re.compile(
    r"\b(whoever|somebody|everybody|anybody|stranger|patience|vouch\w*|heard|hears"
    r"|(?:is|are|was|were) told|(?<!`)nobody)\b",
    re.IGNORECASE,
)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = _HEADING.findall(_prose(page))
    return {re.sub(r"[^\w -]", "", each).strip().lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_resolve(page: Path) -> None:
    for path, anchor in _LINK.findall(_prose(page)):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert not anchor or anchor in _anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_paths_exist(page: Path) -> None:
    for path in _PATH.findall(page.read_text(encoding="utf-8")):
        assert [*ROOT.glob(path)], path


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for module in _MODULE.findall(text):
        assert find_spec(module), module
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in _TARGET.findall(text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for words in _COMMAND.findall(text):
        command: click.Command = cli
        for word in words.split():
            if not isinstance(command, click.Group):
                break
            assert word in command.commands, f"ingest {words}"
            command = command.commands[word]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_words_are_plain(page: Path) -> None:
    assert _AVOIDED.findall(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", RECORDS, ids=_name)
def test_a_decision_has_a_status_and_a_date_on_one_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.search(r"^- \*\*Status:\*\* (accepted|superseded by \S+)$", text, re.MULTILINE)
    assert re.search(r"^- \*\*Date:\*\* \d{4}-\d\d-\d\d", text, re.MULTILINE)
    assert len(text.splitlines()) <= 60
    assert page.name in (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")


def test_the_glossary_is_in_alphabetical_order() -> None:
    rows = re.findall(r"^\| ([a-z][^|]*?) \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    words = [re.sub(r" \(.*\)", "", row) for row in rows[1:]]
    assert words == sorted(words)


def test_pages_are_short() -> None:
    assert len((DOCS / "architecture.md").read_text().splitlines()) <= 110
    assert len((DOCS / "benchmarks.md").read_text().split()) <= 1_200
    assert len([*(ROOT / "benchmarks" / "results").glob("*.svg")]) <= 6


def test_the_settings_page_has_every_default() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(INGEST_\w+)` \| ([^|]*?) ?\|", page, re.MULTILINE))
    assert rows == {f"INGEST_{each.name.upper()}": _default(each) for each in fields(Settings)}


def _default(setting: "Field[object]") -> str:
    if setting.default is MISSING:
        return "required"
    value = setting.default
    text = str(value).lower() if isinstance(value, bool) else f"{value}".removesuffix(".0")
    return f"`{text}`" if text else ""


def test_the_codes_of_the_database_are_documented() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    section = page.partition("## What PostgreSQL says")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    assert dict(rows) == NOT_NOW
