"""Bodies that are nearly JSON: what is read of them as typed items is what `load_exact` reads.

Each body is one that holds typed items, with some bytes put in, taken out or repeated.
`FUZZ_COMPARISONS=100000` compares that many.
"""

import os
from contextlib import suppress
from random import Random
from typing import Any

import orjson

from ingest.exactjson import dump_exact, load_exact
from ingest.model import Action, Options
from ingest.validation.engine.typed.items import TypedItems
from ingest.validation.items import ItemValidator
from tests.property.record_outcomes import in_order, plain
from tests.property.test_typed_exactness import item_of, resource_of

COMPARISONS = int(os.environ.get("FUZZ_COMPARISONS", "2500"))
OF_EACH = 100
"""Bodies of each schema."""
BYTES = [
    bytes([each]) for each in b'[]{},:"\\/0123456789-+.EeNaIn \t\n\r\x0b\x1f\x00\x7f\xff\xc3\xa9'
]
PARTS = [
    *BYTES, b"\\ud800", b"\\ud83d\\ude00", b"\\u0000", b"\\n", b"\\x", b"null", b"true", b"1.0",
    b"1e5", b"01", b"-0", b"1e400", b"NaN", b".5", b"5.", b'"":1,', b'"a":{},"a":', b"/**/",
    b"9007199254740993", b"18446744073709551616", b"0.1000000000000000055", b"\xef\xbb\xbf",
    b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"},{",
]  # fmt: skip


def typed_texts(random: Random) -> tuple[TypedItems, list[bytes]] | None:
    """What decodes the items of a schema, and some that it decodes."""
    found = resource_of(random)
    if found is None:
        return None
    resource, values = found
    typed = ItemValidator(resource, Action.CREATE, Options()).typed
    if typed is None:
        return None
    texts = []
    for _ in range(20):
        with suppress(TypeError, ValueError):  # no JSON can say it
            text = dump_exact(item_of(random, resource, values))
            if any(map(typed.is_typed, typed.decode(b"[%b]" % text) or ())):
                texts.append(text)
    return (typed, texts) if texts else None


def changed(random: Random, text: bytes) -> bytes:
    for _ in range(random.choice((1, 1, 2, 3))):
        at, to = (random.randrange(len(text) + 1) for _ in range(2))
        put = random.choice((random.choice(PARTS), b"", text[at : at + 30]))
        text = text[:at] + put + text[random.choice((at, at + 1, at + len(put), to)) :]
    return text


def compare(typed: TypedItems, found: list[Any] | None, texts: list[bytes]) -> bool:
    """Compare typed items of some texts with what these are; whether there are any."""
    if not any(map(typed.is_typed, found or ())):
        return False
    with suppress(orjson.JSONDecodeError):
        expected = [each for text in texts for each in load_exact(text)]
        assert [plain(each) for each in found or ()] == [in_order(each) for each in expected], texts
        return True
    raise AssertionError(f"no JSON is typed: {texts!r}")


def test_bodies_that_are_nearly_json() -> None:
    compared = any_typed = seed = 0
    while compared < COMPARISONS:
        seed += 1
        random = Random(seed)
        found = typed_texts(random)
        if found is None:
            continue
        typed, texts = found
        for _ in range(OF_EACH):
            text = changed(random, random.choice(texts))
            body, lines = b"[%b]" % text, b"\n".join([random.choice(texts), text])
            whole = [b"[%b]" % each for each in lines.split(b"\n") if each.strip()]
            any_typed += compare(typed, typed.decode(body), [body])
            any_typed += compare(typed, typed.decode_lines(lines), whole)
            compared += 1
    assert any_typed > compared / 30, any_typed
