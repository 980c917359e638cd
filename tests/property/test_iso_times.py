"""Times are shown as marshmallow shows them, though no time is made of the stored text."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, fields

from ingest import Resource
from ingest.resources.iso_times import iso_text
from ingest.resources.layout import StoredField


class Times(Schema):
    key = fields.String(required=True)
    moment = fields.DateTime()
    aware = fields.AwareDateTime(format="iso8601", default_timezone=dt.UTC)
    naive = fields.NaiveDateTime()
    time = fields.Time()
    stamp = fields.AwareDateTime(format="timestamp")
    own = fields.NaiveDateTime(format="%Y")


FIELDS: dict[str, StoredField] = {f.name: f for f in Resource("t", Times, key="key").fields}
_OFFSETS = st.integers(-86_399, 86_399).map(lambda s: dt.timezone(dt.timedelta(seconds=s)))
_AWARE = st.datetimes(timezones=st.one_of(st.just(dt.UTC), _OFFSETS))


def as_json(value: dt.datetime | dt.time) -> str:
    """As the database's JSON has it: no zeros at the end of a fraction."""
    text = value.isoformat()
    whole, point, rest = text.partition(f".{value.microsecond:06}")
    return whole + f".{value.microsecond:06}".rstrip("0") + rest if point else text


@given(st.data())
@pytest.mark.parametrize(
    ("name", "values"),
    [("moment", _AWARE), ("aware", _AWARE), ("naive", st.datetimes()), ("time", st.times())],
)
def test_as_marshmallow(
    name: str, values: st.SearchStrategy[dt.datetime | dt.time], data: st.DataObject
) -> None:
    field, value = FIELDS[name], data.draw(values)
    show = iso_text(field)
    assert show is not None
    shown = field.field._serialize(value, name, {})
    assert show(as_json(value)) == shown
    assert show(value.isoformat()) == shown
    assert show(None) is None


def test_other_forms_are_left_to_marshmallow() -> None:
    assert [name for name, field in FIELDS.items() if iso_text(field)] == [
        "moment", "aware", "naive", "time"
    ]  # fmt: skip
