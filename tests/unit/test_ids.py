"""UUIDv7 (RFC 9562): the right bits, in the order in which they were made."""

import time
import uuid

from ingest.ids import uuid7


def test_ids_are_version_7_and_of_the_standard_variant() -> None:
    made = uuid7()
    assert made.version == 7
    assert made.variant == uuid.RFC_4122


def test_ids_say_when_they_were_made() -> None:
    before = time.time_ns() // 1_000_000
    milliseconds = uuid7().int >> 80
    assert before - 1 <= milliseconds <= time.time_ns() // 1_000_000 + 1


def test_ids_are_made_in_order_and_never_twice() -> None:
    made = [uuid7() for _ in range(50_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
