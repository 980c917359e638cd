"""What the service says, in words of files and options."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ingest
from ingest.load.wording import in_words_of_files

HTTP = re.compile(
    r"emptyAs=|Content-Type|Content-Encoding|[Qq]uery parameter|`\?|\bheader `|text/csv|Prefer\b"
    r"|Authorization|[Ss]everal requests|[Tt]he body|Retry-After|Idempotency-Key|Location"
    r"|same request|side by side|smaller batches"
)
ROOT = Path(ingest.__file__).parent
SPOKEN = [
    *sorted(ROOT.glob("formats/*.py")),
    *(ROOT / "http" / f"{name}.py" for name in ("bodies", "gate", "preferences", "streams")),
    *(ROOT / "batches" / f"{name}.py" for name in ("backlog", "idempotency")),
    *(ROOT / "store" / f"{name}.py" for name in ("pool", "staging")),
]
"""Where errors are made that `ingest load` may have to print."""
NEVER_SAID = {  # it sends a Content-Type, and one token
    "The request has no Content-Type, and so its body is read as JSON.",
    "Send one Authorization header.",
}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "The query parameter 'emptyAs' cannot be 'x'. It takes absent or null.",
            "--empty-as cannot be 'x'. It takes absent or null.",
        ),
        (
            "The delimiter of the body is not clear: comma or semicolon. Both divide 'a' into 2 "
            "cells. Name it: `?delimiter=comma`.",
            "The delimiter of the file is not clear: comma or semicolon. Both divide 'a' into 2 "
            "cells. Name it: `--delimiter comma`.",
        ),
        (
            "Line 3, byte 6 of the body (0xff): invalid. Another charset is named as "
            "`Content-Type: text/csv; charset=windows-1252`.",
            "Line 3, byte 6 of the file (0xff): invalid. Another charset is named as "
            "`--charset windows-1252`.",
        ),
        (
            "The first line must name the columns; a file without names is `text/csv; "
            "header=absent`.",
            "The first line must name the columns, or give them as --columns.",
        ),
        ("The request says `dates=DD/MM/YYYY`.", "You gave --dates DD/MM/YYYY."),
        (
            "40101 token_required: A token is required. Send it as `Authorization: Bearer TOKEN`.",
            "40101 token_required: A token is required. Give it as INGEST_TOKEN, or as --token.",
        ),
        ("The body is a PDF document", "the file is a PDF document"),
        (
            "Nothing was lost; send the same request again after Retry-After seconds.",
            "Nothing was lost.",
        ),
        (
            "Wait for as long as Retry-After says, or send smaller batches.",
            "Give a smaller --batch-size.",
        ),
        (
            "At character 3; send it as `Prefer: return=minimal, wait=5`.",
            "At character 3; give them as `--prefer 'return=minimal, wait=5'`.",
        ),
    ],
)
def test_sentences_are_translated(said: str, words: str) -> None:
    assert in_words_of_files(said) == words


def sentences() -> Iterator[str]:
    """Every text in the code but docstrings; formatted ones with something in their gaps."""
    for path in SPOKEN:
        nodes = [*ast.walk(ast.parse(path.read_text()))]
        within = {id(each.value) for each in nodes if isinstance(each, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.JoinedStr):
                within |= {id(each) for each in ast.walk(node)}
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else _stand_in(part)
                    for part in node.values
                )
            elif isinstance(node, ast.Constant) and id(node) not in within:
                yield str(node.value)


def _stand_in(part: ast.expr) -> str:
    named = "!r" if isinstance(part, ast.FormattedValue) and part.conversion == ord("r") else ""
    return "'name'" if named else "comma"


def test_nothing_that_may_be_printed_speaks_of_http() -> None:
    found = [text for text in sentences() if " " in text and HTTP.search(text)]
    assert len(found) > 20
    assert {text for text in found if HTTP.search(in_words_of_files(text))} == NEVER_SAID
