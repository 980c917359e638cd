"""UUIDv7 (RFC 9562): the right bits, in the order in which they were made."""

import time
import uuid

import pytest

from ingest.ids import Uuid7Sequence, uuid7, uuid7_texts


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


def test_ids_made_in_bulk_stand_between_those_made_before_and_after() -> None:
    made = [str(uuid7())]
    for count in (0, 1, 200, 70_000):
        made += [*uuid7_texts(count), str(uuid7())]
    assert len(made) == 2 + 3 + 70_201
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert made == [str(uuid.UUID(text)) for text in made]
    assert {uuid.UUID(text).version for text in made} == {7}
    assert {uuid.UUID(text).variant for text in made} == {uuid.RFC_4122}


@pytest.mark.parametrize("room", [0, 1, 5, 100])
def test_a_counter_that_runs_over_begins_anew_in_the_next_millisecond(room: int) -> None:
    sequence = Uuid7Sequence(milliseconds=2**47, counter=2**42 - 1 - room)
    made = [*sequence.texts(5), *sequence.texts(1), *sequence.texts(3)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert [uuid.UUID(text).int >> 80 for text in made][-1] == 2**47 + (room < 9)
