"""`Prefer` (RFC 7240): what is understood, what is ignored, what is refused."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from ingest.errors import InvalidParameter
from ingest.http.preferences import Preferences, parse_preferences
from ingest.model import Resolution
from tests.effort import assert_linear


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], Preferences()),
        (["respond-async"], Preferences(respond_async=True, applied=("respond-async",))),
        (["wait=5"], Preferences(wait=5, applied=("wait=5",))),
        (['return="minimal"'], Preferences(minimal=True, applied=("return=minimal",))),
        (["RETURN=minimal; x=1"], Preferences(minimal=True, applied=("return=minimal",))),
        (["handling=lenient"], Preferences(lenient=True, applied=("handling=lenient",))),
        (["replay=return"], Preferences(replay_returns=True, applied=("replay=return",))),
        (
            ["resolution=merge-duplicates"],
            Preferences(resolution=Resolution.MERGE, applied=("resolution=merge-duplicates",)),
        ),
        (
            ["respond-async, , wait=1", "return=representation"],
            Preferences(
                respond_async=True,
                wait=1,
                applied=("respond-async", "wait=1", "return=representation"),
            ),
        ),
        (["wait=1, wait=2"], Preferences(wait=1, applied=("wait=1",))),
        (['foo; bar="a,b;c", baz="q\\"z"'], Preferences()),
    ],
)
def test_preferences_that_are_understood(headers: list[str], expected: Preferences) -> None:
    assert parse_preferences(tuple(headers)) == expected


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("wait", "wait"),
        ("wait=soon", "wait"),
        ("wait=-1", "wait"),
        ("wait=\u0665", "Prefer"),
        ("return=all", "return"),
        ("handling=", "Prefer"),
        ("handling=kind", "handling"),
        ("resolution=overwrite", "resolution"),
        ("replay=now", "replay"),
        ("respond-async=1", "respond-async"),
        ("=5", "Prefer"),
        ('a="', "Prefer"),
    ],
)
def test_what_cannot_be_read_or_meant_is_named(header: str, named: str) -> None:
    with pytest.raises(InvalidParameter, match=named):
        parse_preferences((header,))


@pytest.mark.parametrize(
    "header",
    [
        lambda size: "a;" + " " * size + '"',
        lambda size: "," * size,
        lambda size: 'a; b="' + '\\"' * (size // 2),
        lambda size: '"' * size,
    ],
    ids=range(4),
)
def test_hostile_headers_take_no_time(header: Callable[[int], str]) -> None:
    def work(size: int) -> Callable[[], None]:
        text = header(size)

        def parse() -> None:
            with suppress(InvalidParameter):
                parse_preferences((text,))

        return parse

    assert_linear(work, 1000)  # eight times as much is the most that a header may have
