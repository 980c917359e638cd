"""What an item's `meta` decides of its record, and every error of it."""

from typing import Any

import pytest

from ingest.errors import (
    BAD_LENGTH,
    NOT_STORABLE,
    NULL_NOT_ALLOWED,
    OTHER_GROUP,
    REQUIRED,
    UNKNOWN_FIELD,
    WRONG_TYPE,
)
from ingest.model import Action
from ingest.resources.records import InvalidItem
from ingest.validation.meta import read_meta

GROUP = "meta.group"


@pytest.mark.parametrize(
    ("meta", "groups", "columns"),
    [
        ({}, (), {}),
        ({"group": None, "batch": 5, "createdAt": 5, "updatedAt": 5, "notShown": ["a"]}, (), {}),
        ({"version": 3}, (), {"$v": 3}),
        ({"version": 2**70}, (), {"$v": 2**63 - 1}),
        ({"version": -(2**70)}, (), {"$v": -(2**63)}),
        ({"group": "north"}, (), {"$g": "north"}),
        ({"group": "north"}, ("south", "north"), {"$g": "north"}),
        ({"version": 1}, ("north",), {"$v": 1, "$g": "north"}),
    ],
)
def test_columns_of_a_new_item(meta: Any, groups: tuple[str, ...], columns: Any) -> None:
    assert read_meta({"meta": meta}, Action.CREATE, groups) == columns


def test_an_item_without_meta_belongs_to_the_only_group_of_its_sender() -> None:
    assert read_meta({}, Action.CREATE, ("north",)) == {"$g": "north"}


def test_only_a_new_item_has_a_group() -> None:
    assert read_meta({"meta": {"version": 1, "group": 5}}, Action.UPDATE, ()) == {"$v": 1}


@pytest.mark.parametrize(
    ("meta", "groups", "errors"),
    [
        (5, (), [(WRONG_TYPE, "meta")]),
        ({"version": None}, (), [(NULL_NOT_ALLOWED, "meta.version")]),
        ({"version": ""}, (), [(WRONG_TYPE, "meta.version")]),
        ({"Version": 1, "v": 2}, (), [(UNKNOWN_FIELD, "meta.Version"), (UNKNOWN_FIELD, "meta.v")]),
        ({"version": "1"}, (), [(WRONG_TYPE, "meta.version")]),
        ({"version": True, "group": 5}, (), [(WRONG_TYPE, "meta.version"), (WRONG_TYPE, GROUP)]),
        ({}, ("north", "south"), [(REQUIRED, GROUP)]),
        ({"group": "west"}, ("north", "south"), [(OTHER_GROUP, GROUP)]),
        ({"group": ""}, (), [(BAD_LENGTH, GROUP)]),
        ({"group": "x" * 10_000}, (), [(BAD_LENGTH, GROUP)]),
        ({"group": "a\0"}, (), [(NOT_STORABLE, GROUP)]),
        ({"group": "a\n"}, (), [(NOT_STORABLE, GROUP)]),
    ],
)
def test_every_error_is_named(meta: Any, groups: tuple[str, ...], errors: list[Any]) -> None:
    with pytest.raises(InvalidItem) as raised:
        read_meta({"meta": meta}, Action.CREATE, groups)
    assert [(error.code, error.field) for error in raised.value.errors] == errors
