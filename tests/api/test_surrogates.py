"""Lone surrogates in a declaration: no request can carry one, and no answer breaks on one."""

import enum
from typing import Any

import orjson
import pytest
from marshmallow import Schema, fields, validate

from ingest import Resource
from ingest.describe.json_schema import Kind, json_schema
from ingest.errors import ConfigurationError
from ingest.settings import Settings
from tests.api.declared import serving

LONE = "\ud800"
Values = enum.Enum("Values", {"whole": "x", "broken": f"{LONE}y"})
Names = enum.Enum("Names", {"whole": 1, f"{LONE}n": 2})


class Declared(Schema):
    chosen = fields.String(validate=validate.OneOf(["a", LONE]))
    forbidden = fields.String(validate=validate.NoneOf(["a", LONE]))
    equal = fields.String(validate=validate.Equal(LONE))
    several = fields.List(fields.String(), validate=validate.ContainsOnly(["a", LONE]))
    by_value = fields.Enum(Values, by_value=True)
    by_name = fields.Enum(Names)
    constant = fields.Constant(LONE)
    words = fields.Boolean(truthy={"yes", LONE}, falsy={"no"})
    address = fields.Url(schemes={"https", LONE})
    day = fields.Date(format=f"%Y{LONE}")
    short = fields.String(validate=validate.Length(max=2, error=f"no {LONE}"))


RESOURCE = Resource("things", Declared)


@pytest.mark.parametrize("kind", Kind)
def test_a_schema_leaves_out_what_no_request_can_carry(kind: Kind) -> None:
    found = json_schema(RESOURCE, kind, "")
    orjson.dumps(found)
    if kind is Kind.CREATE:
        said = found["properties"]
        assert said["chosen"]["enum"] == ["a"]
        assert said["forbidden"]["not"] == {"enum": ["a"]}
        assert said["equal"] == {"not": {}}
        assert said["by_value"]["enum"] == ["x"]
        assert said["by_name"]["enum"] == ["whole"]
        assert said["words"]["enum"] == ["no", "yes"]
        assert r"\ud800" in orjson.dumps(said["address"]).decode()


async def test_answers_show_a_question_mark(empty_database: str, redis_url: str) -> None:
    settings = Settings(database_url=empty_database, redis_url=redis_url)
    async with serving(settings, RESOURCE) as service:
        wrong: dict[str, Any] = {"chosen": "b", "by_value": "z", "short": "long"}
        reply = await service.post("things", [wrong])
        assert reply.status == 422
        [failure] = reply.body["failures"]
        assert "no ?" in [each["message"] for each in failure["errors"]]
        reply = await service.request("GET", "/v1/things?by_value=z")
        assert reply.status == 400
        assert reply.body["error"]["description"] == "Its values are x, ?y."
        for path in ("/v1/things/schema", "/openapi.json", "/openapi.yaml", "/docs"):
            async with service.client.get(
                path, headers={"Authorization": f"Bearer {service.token}"}
            ) as answer:
                assert answer.status == 200, path


@pytest.mark.parametrize("name", [f"{LONE}x", "x"])
def test_a_name_with_one_is_refused_at_the_start(name: str) -> None:
    schema = Schema.from_dict({name: fields.String(data_key=f"{LONE}x")})
    with pytest.raises(ConfigurationError, match="a name cannot hold a lone surrogate"):
        Resource("things", schema)
