"""`select`: what it adds to what is shown by default, and leaves out of that."""

import pytest
from marshmallow import Schema, fields
from multidict import MultiDict

from ingest import Resource
from ingest.errors import InvalidParameter
from ingest.http.query import Query
from ingest.model import Selection
from ingest.resources.summaries import Tally


class ClientSchema(Schema):
    email = fields.String()
    first = fields.String(data_key="first name")
    secret = fields.String(load_only=True)
    contact = fields.Dict()
    tags = fields.List(fields.String())
    stage = fields.String()


CLIENTS = Resource(
    "clients",
    ClientSchema,
    optional=("contact",),
    summaries={"tags": Tally("tags"), "statuses": Tally("stage")},
)
NOTES = Resource("notes", Schema.from_dict({"text": fields.String()}))
HIDDEN = frozenset({"contact"})


Selected = tuple[Selection, tuple[str, ...]]


def selected(text: str, resource: Resource | None = CLIENTS) -> Selected:
    return Query(MultiDict({"select": text}), {"select"}, resource).select()


@pytest.mark.parametrize("text", ["", ",", " , ,", "email", "-meta", "-contact", "-statuses"])
def test_d04_d07_what_adds_and_removes_nothing(text: str) -> None:
    assert selected(text) == (CLIENTS.selection, ()) == (Selection(hidden=HIDDEN), ())


def test_without_select_it_is_what_the_resource_shows() -> None:
    assert Query(MultiDict(), {"select"}, CLIENTS).select() == (Selection(hidden=HIDDEN), ())
    assert Query(MultiDict(), {"select"}, NOTES).select() == (Selection(), ())
    assert selected("anything", None) == (Selection(), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("meta", (Selection(meta=True, hidden=HIDDEN), ())),
        ("contact", (Selection(), ())),
        ("contact,-meta", (Selection(), ())),
        ("contact,meta", (Selection(meta=True), ())),
        ("-email", (Selection(hidden=HIDDEN | {"email"}), ())),
        ("-id,contact", (Selection(hidden=frozenset({"id"})), ())),
        ("-first name", (Selection(hidden=HIDDEN | {"first name"}), ())),
        ("  contact ,\t-email , ", (Selection(hidden=frozenset({"email"})), ())),
        ("statuses", (Selection(hidden=HIDDEN), ("statuses",))),
        ("statuses,tags,statuses", (Selection(hidden=HIDDEN), ("tags", "statuses"))),
    ],
)
def test_d04_d06_names_are_added_and_excluded(text: str, expected: Selected) -> None:
    assert selected(text) == expected


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("meta,-meta", ""),
        ("-meta,meta", "meta"),
        ("contact,-contact", ""),
        ("-contact,contact", "contact"),
        ("-email,email", ""),
        ("statuses,-statuses", ""),
        ("-statuses,meta,statuses", "statuses,meta"),
    ],
)
def test_d07_the_last_one_wins(text: str, same: str) -> None:
    assert selected(text) == selected(same)


def test_d04_a_name_of_both_is_the_summary_when_added_and_the_field_when_excluded() -> None:
    assert selected("tags") == (Selection(hidden=HIDDEN), ("tags",))
    assert selected("-tags") == (Selection(hidden=HIDDEN | {"tags"}), ())
    assert selected("-tags,tags") == selected("tags")
    assert selected("tags,-tags") == selected("-tags")


@pytest.mark.parametrize(
    "name",
    ["everything", "-nothing", "META", "-", "--meta", "- meta", "first", "secret", "-secret"],
)
def test_d07_what_is_not_known_is_refused_with_what_is(name: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        selected(f"meta,{name}")
    assert repr(name.removeprefix("-")) in refused.value.message
    names = "meta, id, email, first name, contact, tags, stage, statuses"
    assert names in str(refused.value.description)
    assert "secret" not in str(refused.value.description)


def test_d07_no_part_is_known_that_the_resource_has_not() -> None:
    for name in ("contact", "tags", "statuses", "sales"):
        with pytest.raises(InvalidParameter, match=name):
            selected(name, NOTES)


ODD = Resource(
    "odd",
    Schema.from_dict(
        {
            "plain": fields.String(),
            "minus": fields.String(data_key="-plain"),
            "comma": fields.String(data_key="a,b"),
            "quote": fields.String(data_key='quo"te'),
            "part": fields.String(data_key="-a,b"),
        }
    ),
    optional="part",
)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ('-"a,b"', {"-a,b", "a,b"}),
        ('"a,b"', {"-a,b"}),
        ('"-a,b"', set()),
        (' "-a,b" , -plain', {"plain"}),
        ('-"-a,b"', {"-a,b"}),
        ("--plain", {"-a,b", "-plain"}),
        ('-"-plain",-"plain"', {"-a,b", "-plain", "plain"}),
        ('"-plain"', {"-a,b"}),
        ('-quo"te,-plain', {"-a,b", 'quo"te', "plain"}),
        ('-"a,b","a,b"', {"-a,b"}),
    ],
)
def test_d06_a_name_with_a_comma_or_a_hyphen_is_quoted(text: str, hidden: set[str]) -> None:
    assert selected(text, ODD) == (Selection(hidden=frozenset(hidden)), ())


def test_d06_d07_names_are_listed_as_they_can_be_given() -> None:
    for text in ("a,b", '"a', "nothing"):
        with pytest.raises(InvalidParameter) as refused:
            selected(text, ODD)
        assert '"-plain", "a,b", quo"te, "-a,b"; a hyphen' in str(refused.value.description)
