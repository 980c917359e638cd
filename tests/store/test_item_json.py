"""What the SQL of one item shows, and what it leaves out."""

import json

from marshmallow import Schema, fields

from ingest.model import Selection
from ingest.resources.resource import Resource
from ingest.store.pool import Pool
from ingest.store.statements.item_json import item_object

MANY = 150  # more than a function of PostgreSQL may have arguments


async def test_what_may_not_be_null_is_left_out_however_many_fields_there_are(
    operator: Pool,
) -> None:
    optional = {f"field{number}": fields.Integer() for number in range(MANY)}
    nullable = {f"null{number}": fields.Integer(allow_none=True) for number in range(MANY)}
    resource = Resource("wide", Schema.from_dict({**optional, **nullable}))
    columns = ", ".join(
        f'{"1" if field.name in ("field7", "null7") else "NULL::int"} AS "{field.column}"'
        for field in resource.fields
    )
    async with operator.connection() as connection:
        shown = await connection.fetchval(
            f"SELECT {item_object(resource, 'r', Selection())} FROM (SELECT {columns}) r"
        )
    assert json.loads(shown) == {"field7": 1, **dict.fromkeys(nullable), "null7": 1}


async def test_an_item_of_which_nothing_is_shown_is_an_empty_object(operator: Pool) -> None:
    resource = Resource("bare", Schema.from_dict({"text": fields.String()}))
    hidden = Selection(hidden=frozenset({"id", "text"}))
    async with operator.connection() as connection:
        shown = await connection.fetchval(f"SELECT {item_object(resource, 'r', hidden)}")
    assert shown == "{}"
