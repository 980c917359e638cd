"""Random batches over values so few that they collide all the time."""

from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from tests.property.specification import Collection, Field, Request

IDS = [f"00000000-0000-7000-8000-00000000000{digit}" for digit in range(1, 4)]
# Keys that the server has made, in their order: who sends a batch puts the real ones in.
MADE_BEFORE = ["made:0", "made:1", "made:2"]

COLLECTIONS = {
    each.name: each
    for each in (
        Collection(
            "contacts",
            {
                "id": Field(UUID),
                "email": Field(str, required=True),
                "first_name": Field(str, required=True),
                "last_name": Field(str, nullable=True),
                "age": Field(int),
            },
            key="id",
            unique=[("email",)],
        ),
        Collection(
            "bookings",
            {
                "id": Field(UUID),
                "room": Field(str, required=True),
                "slot": Field(int, required=True),
                "guest": Field(str, default="nobody"),
            },
            key="id",
            unique=[("room", "slot")],
        ),
        Collection(
            "seats",
            {
                "code": Field(str, required=True),
                "badge": Field(int, nullable=True),
                "row": Field(str, nullable=True),
                "place": Field(int, nullable=True),
                "colour": Field(str, nullable=True, default="grey"),
            },
            key="code",
            unique=[("badge",), ("row", "place")],
        ),
    )
}
_VALUES: dict[tuple[str, str], list[Any]] = {
    ("contacts", "id"): [*IDS, *MADE_BEFORE],
    ("contacts", "email"): [f"{name}@example.com" for name in "abcd"],
    ("contacts", "first_name"): ["Ann", "Bob", "Cid"],
    ("contacts", "last_name"): ["Doe", "Roe", None],
    ("contacts", "age"): [30, 40],
    ("bookings", "id"): [*IDS, *MADE_BEFORE],
    ("bookings", "room"): ["red", "blue"],
    ("bookings", "slot"): [1, 2, 3],
    ("bookings", "guest"): ["nobody", "Ann"],
    ("seats", "code"): ["A", "B", "C", "D", "E"],
    ("seats", "badge"): [1, 2, 3, None],
    ("seats", "row"): ["front", "back", None],
    ("seats", "place"): [1, 2, None],
    ("seats", "colour"): ["grey", "red", None],
}
_MATCHING: dict[str, list[str | None]] = {
    "contacts": [None, None, None, "email", "email", "first_name", "last_name", "age"],
    "bookings": [None, None, None, "room", "slot", "guest"],
    "seats": [None, None, None, "badge", "badge", "row", "place", "colour"],
}
# What may be done to an item on its way; mostly nothing.
_DAMAGE = [None] * 16 + ["drop", "null", "wrong type", "unknown", "no object", "bad meta"]
_META: list[Any] = [None] * 6 + [{"version": 1}, {"version": 1}, {"version": 2}, {}]
_WRONG = {str: 7, int: "seven", UUID: 7}
_MAX_ITEMS = 6


@st.composite
def requests(draw: st.DrawFn, collection: Collection) -> Request:
    """One write to `collection`: any action, any preference, up to six items."""
    action = draw(st.sampled_from(["create", "create", "update", "update", "delete"]))
    matching = draw(st.sampled_from(_MATCHING[collection.name]))
    resolutions = [None, "merge", "merge", "replace", "ignore"] if action == "create" else [None]
    items = _items(collection, action, matching or collection.key)
    return Request(
        action=action,
        items=draw(st.lists(items, min_size=0, max_size=_MAX_ITEMS)),
        resolution=draw(st.sampled_from(resolutions)),
        matching=matching,
        lenient=draw(st.booleans()),
        dry_run=draw(st.sampled_from([False] * 7 + [True])),
        minimal=draw(st.sampled_from([False] * 3 + [True])),
        meta=draw(st.booleans()),
    )


def _items(collection: Collection, action: str, identity: str) -> st.SearchStrategy[Any]:
    values = {name: st.sampled_from(_VALUES[collection.name, name]) for name in collection.fields}
    needed = {identity: st.sampled_from([v for v in _VALUES[collection.name, identity] if v])}
    if action == "create":
        required = (name for name, each in collection.fields.items() if each.required)
        needed = {name: values[name] for name in required} | needed
    if action == "delete":
        whole = st.one_of(needed[identity], st.fixed_dictionaries(needed))
    else:
        optional = {name: value for name, value in values.items() if name not in needed}
        whole = st.fixed_dictionaries(needed, optional=optional)
    name = st.sampled_from(
        [name for name in collection.fields if action != "delete" or name == identity]
    )
    return st.builds(
        lambda item, meta, damage, name: _damaged(
            item if meta is None or not isinstance(item, dict) else {**item, "meta": meta},
            damage,
            name,
            collection.fields[name],
        ),
        whole,
        st.sampled_from(_META),
        st.sampled_from(_DAMAGE),
        name,
    )


def _damaged(item: Any, damage: str | None, name: str, field: Field) -> Any:
    if damage is None:
        return item
    if damage == "no object" or not isinstance(item, dict):
        return None
    match damage:
        case "drop":
            return {key: value for key, value in item.items() if key != name}
        case "null":
            return {**item, name: None}
        case "wrong type":
            return {**item, name: _WRONG[field.kind]}
        case "unknown":
            return {**item, "surprise": 1}
    return {**item, "meta": {"version": "new"}}
