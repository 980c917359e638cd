"""Names of tables, columns and constraints."""

from importlib.resources import files

import pytest
from alembic.script import ScriptDirectory
from marshmallow import INCLUDE, Schema, fields

from ingest import Resource
from ingest.examples import airports, contacts
from ingest.resources.columns import ColumnType
from ingest.store.tables import (
    EXTRA,
    REQUIRED_REVISION,
    SERVICE_COLUMNS,
    columns,
    quote,
    table_name,
    unique_name,
)


def _names(*names: str, unique: tuple[str | tuple[str, ...], ...] = ()) -> Resource:
    schema = Schema.from_dict({name: fields.String() for name in names})
    return Resource("things", schema, unique=unique)


def _unique_names(*names: str, unique: tuple[str | tuple[str, ...], ...]) -> list[str]:
    resource = _names(*names, unique=unique)
    return [unique_name(resource, entry) for entry in resource.unique]


@pytest.mark.parametrize(
    ("identifier", "quoted"),
    [
        ("age", '"age"'),
        ("Age", '"Age"'),
        ("two words", '"two words"'),
        ('say "hi"', '"say ""hi"""'),
        ("a'; --", '"a\'; --"'),
        ("", '""'),
    ],
)
def test_quote(identifier: str, quoted: str) -> None:
    assert quote(identifier) == quoted


def test_a_table_is_named_in_full() -> None:
    assert table_name(contacts) == '"collections"."contacts"'


def test_the_columns_of_the_service_come_first() -> None:
    assert columns(airports) == {
        "$account": ColumnType.TEXT,
        "$batch": ColumnType.UUID,
        "$version": ColumnType.BIGINT,
        "$created_at": ColumnType.TIMESTAMPTZ,
        "$updated_at": ColumnType.TIMESTAMPTZ,
        "$group": ColumnType.TEXT,
        "iata": ColumnType.TEXT,
        "name": ColumnType.TEXT,
        "city": ColumnType.TEXT,
        "state": ColumnType.TEXT,
        "country": ColumnType.TEXT,
        "latitude": ColumnType.DOUBLE,
        "longitude": ColumnType.DOUBLE,
    }


def test_unknown_fields_have_a_column_where_they_are_kept() -> None:
    class Open(Schema):
        class Meta:
            unknown = INCLUDE

    assert columns(Resource("things", Open))[EXTRA] is ColumnType.JSONB
    assert EXTRA not in columns(_names("a"))


def test_no_field_can_take_the_name_of_a_service_column() -> None:
    resource = _names(*SERVICE_COLUMNS, EXTRA)
    stored = {field.column for field in resource.fields}
    assert not stored & {*SERVICE_COLUMNS, EXTRA}
    assert len(columns(resource)) == len(SERVICE_COLUMNS) + len(resource.fields)


def test_a_unique_constraint_says_what_is_unique() -> None:
    assert _unique_names("a", "b", unique=("a", ("a", "b"))) == ["things(a)", "things(a,b)"]


def test_a_long_constraint_name_is_cut_to_what_postgresql_takes() -> None:
    long = [f"{letter}{'ä' * 60}" for letter in "abc"]
    names = _unique_names(*long, unique=(*long, (long[0], long[1]), (long[1], long[0])))
    assert len(set(names)) == len(names)
    assert all(len(name.encode()) <= 63 for name in names)
    assert all(name.startswith("things(~") for name in names)


def test_the_constraint_of_the_longest_resource_name_fits() -> None:
    resource = Resource("r" * 48, Schema.from_dict({"x" * 60: fields.String()}), unique=["x" * 60])
    assert len(unique_name(resource, resource.unique[0]).encode()) <= 63


def test_field_names_with_commas_do_not_make_two_constraints_one() -> None:
    names = _unique_names("a", "b", "c", "a,b", "b,c", unique=(("a", "b,c"), ("a,b", "c")))
    assert len(set(names)) == 2


def test_the_required_revision_is_the_newest() -> None:
    script = ScriptDirectory(str(files("migrations")))
    assert script.get_current_head() == REQUIRED_REVISION
