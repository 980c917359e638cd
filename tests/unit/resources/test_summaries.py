"""What can be summed up, and what is said where it cannot (document 000, H21)."""

from enum import Enum
from typing import Any

import pytest
from marshmallow import Schema, fields, validate

from ingest import Resource, Tally, Totals
from ingest.errors import ConfigurationError
from ingest.resources.registry import Registry
from ingest.resources.summaries import RESERVED_MEMBERS, Summary, choices_of


class Stage(Enum):
    new = 1
    old = 2


FIELDS: dict[str, fields.Field[Any]] = {
    "text": fields.String(),
    "stage": fields.Enum(Stage),
    "stages": fields.List(fields.Enum(Stage)),
    "texts": fields.List(fields.String()),
    "numbers": fields.List(fields.Integer()),
    "nested": fields.Dict(),
    "secret": fields.String(load_only=True),
    "number": fields.Integer(),
    "float": fields.Float(),
    "decimal": fields.Decimal(),
    "count": fields.String(),
    "uuid": fields.UUID(),
}


def declared(*, of: str = "things", **summaries: Summary) -> Resource:
    return Resource(of, Schema.from_dict(FIELDS), summaries=summaries)


@pytest.mark.parametrize(
    "summary",
    [
        Tally("text"),
        Tally("stage"),
        Tally("stages"),
        Tally("texts"),
        Totals("number", by=("text",)),
        Totals("decimal", by=("text", "stage")),
    ],
)
def test_h21_texts_are_tallied_and_numbers_are_summed_up(summary: Summary) -> None:
    assert declared(sums=summary).summaries == {"sums": summary}


@pytest.mark.parametrize(
    ("summary", "reason"),
    [
        (Tally("absent"), "summary 'sums': its field 'absent' is not a field of the schema"),
        (Totals("number", by=("absent",)), "summary 'sums': its field 'absent' is not a field"),
        (Tally("number"), "summary 'sums': is no text, nor a list of texts"),
        (Tally("numbers"), "is no text, nor a list of texts"),
        (Tally("nested"), "is no text, nor a list of texts"),
        (Tally("uuid"), "is no text, nor a list of texts"),
        (Tally("secret"), "'secret', which is load_only"),
        (Totals("float", by=("text",)), "cannot sum up 'float'"),
        (Totals("number", by=("texts",)), "by fields of text or of an Enum"),
        (Totals("number", by=()), "by fields of text or of an Enum"),
        (Totals("number", by=("count",)), "two members of one name: count, number, count"),
        (Totals("number", by=("text", "text")), "two members of one name"),
    ],
)
def test_h21_what_cannot_be_summed_up_is_refused(summary: Summary, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        declared(sums=summary)
    assert reason in str(caught.value)
    assert "resource 'things'" in str(caught.value)


@pytest.mark.parametrize("name", [*sorted(RESERVED_MEMBERS), "", "-tags", "a,b", "a b", "1a"])
def test_h21_a_name_that_an_answer_needs_itself_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="the name"):
        declared(**{name: Tally("text")})


def test_h21_a_summary_may_be_called_as_a_field_is() -> None:
    assert declared(texts=Tally("texts")).summaries == {"texts": Tally("texts")}


def test_h21_two_resources_with_one_summary_are_refused_at_start() -> None:
    one, other = declared(of="one", sums=Tally("text")), declared(of="other", sums=Tally("stage"))
    with pytest.raises(ConfigurationError) as caught:
        Registry([one, other])
    assert "'one' and 'other' both declare the summary 'sums'" in str(caught.value)
    assert list(Registry([one, one])) == ["one"]


def test_h19_every_declared_choice_is_known_as_items_show_it() -> None:
    assert list(choices_of(fields.Enum(Stage))) == ["new", "old"]
    assert list(choices_of(fields.Enum(Stage, by_value=True))) == [1, 2]
    one_of = fields.String(validate=[validate.Length(max=3), validate.OneOf(["b", "a"])])
    assert list(choices_of(one_of)) == ["b", "a"]
    assert list(choices_of(fields.String())) == []
