"""Changed items are validated at their own indices, and handed on while they arrive."""

from ingest.examples import contacts
from ingest.model import DROPPED, Action, ItemChange, Options
from ingest.validation import changes as changes_module
from ingest.validation.changes import ChangeIntake
from ingest.validation.items import ItemValidator
from tests.staged import MAX_VALUES, take_all


def intake() -> ChangeIntake:
    validator = ItemValidator(contacts, Action.CREATE, Options())
    return ChangeIntake(validator, Options(), max_values=MAX_VALUES)


def test_each_change_keeps_its_index() -> None:
    wanted = intake()
    good = {"email": "a@example.com", "first_name": "A", "age": 30}
    # What the quick way refuses, after some that it takes, is looked at again from its beginning.
    nul = {**good, "first_name": "\0"}
    given = [(7, good), (3, DROPPED), (900, nul), (2, good), (11, {"email": "x"}), (1, good)]
    items = wanted.expect([ItemChange(*each) for each in given])
    take_all(wanted, items)
    found = {each.index: each for each in wanted.changed()}
    assert found.keys() == {7, 3, 900, 2, 11, 1}
    assert {index for index, each in found.items() if each.entry} == {7, 2, 1}
    assert {index for index, each in found.items() if each.errors} == {900, 11}
    assert (found[3].entry, found[3].raw, found[3].errors) == (None, None, None)
    assert found[7].entry is not None
    assert b'"$i":7' in found[7].entry.record.replace(b" ", b"")
    assert wanted.changed() == []


def test_dropped_items_are_handed_on_before_they_are_too_many() -> None:
    wanted = intake()
    most = changes_module._MANY
    for index in range(most):
        assert not wanted.full
        assert wanted.expect([ItemChange(index, DROPPED)]) == []
    assert wanted.full
    assert [each.index for each in wanted.changed()] == [*range(most)]
    assert not wanted.full
