"""The frozen values, where they are stored and read again."""

import pytest

from ingest.model import Options, Resolution, Selection


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(select=Selection(meta=True)),
        Options(select=Selection(hidden=frozenset({"email", "first name"}))),
        Options(
            representation=False,
            lenient=True,
            resolution=Resolution.MERGE,
            matching="email",
            groups=("north",),
            columns=("a", "b"),
        ),
    ],
)
def test_options_are_read_as_they_were_stored(options: Options) -> None:
    assert Options.from_document(options.document()) == options


def test_the_same_selection_is_stored_as_the_same_text() -> None:
    stored = Options(select=Selection(hidden=frozenset({"b", "a", "c"}))).document()
    assert stored["hidden"] == ["a", "b", "c"]
    assert "hidden" not in Options().document()
