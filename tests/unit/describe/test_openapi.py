"""The OpenAPI document, as a function of the resources and the settings."""

import dataclasses
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from marshmallow import Schema, fields
from openapi_spec_validator import validate

from ingest import Resource
from ingest.describe.names import item_name, type_names
from ingest.describe.openapi import openapi
from ingest.describe.parameters import READING
from ingest.errors import InvalidParameter, request_errors
from ingest.exactjson import dump_exact
from ingest.examples import contacts, deals
from ingest.formats.csv_options import csv_format
from ingest.formats.negotiation import REQUESTS
from ingest.formats.xml_options import xml_format
from ingest.http.headers import BODY_PARAMETERS
from ingest.http.routes import ROUTES
from ingest.http.rpc_parameters import Verb
from ingest.resources.registry import Registry, load_registry
from ingest.settings import EXAMPLES, Settings
from tests.harness import REGISTRY

SETTINGS = Settings(database_url="", redis_url="")
_NAMES = ("contacts", "everything", "people", "seats", "clients", "notes")
SERVED = Registry([REGISTRY[name] for name in _NAMES])
_FEW = [contacts, deals]
_MOST_OF_ONE = 105_000  # bytes
METHODS = ("get", "post", "patch", "put", "delete")
_WRITE = """
import sys
from ingest.describe.openapi import openapi
from ingest.exactjson import dump_exact
from ingest.settings import Settings
from tests.unit.describe.test_openapi import SERVED
sys.stdout.buffer.write(dump_exact(openapi(SERVED, Settings(database_url="", redis_url=""))))
"""


@cache
def document() -> dict[str, Any]:
    return openapi(load_registry(EXAMPLES), SETTINGS)


def operations(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in found["paths"].values():
        yield from (path[method] for method in METHODS if method in path)


def resolved(part: dict[str, Any], found: dict[str, Any] | None = None) -> dict[str, Any]:
    """A part of a document, or what it refers to."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    there: dict[str, Any] = (found or document())["components"][kind][name]
    return there


@cache
def of_the_tests() -> dict[str, Any]:
    return openapi(SERVED, SETTINGS)


def test_collections_are_told_in_their_own_words() -> None:
    class Seat(Schema):
        """A seat <img> of a hall."""

    tags = openapi(Registry([Resource("seats", Seat), contacts]), SETTINGS)["tags"]
    assert [each["description"] for each in tags[:2]] == [
        r"A seat \<img> of a hall.",
        "The collection contacts.",
    ]


def test_every_schema_of_the_tests_is_described_validly() -> None:
    validate(of_the_tests())


def test_processes_write_the_same_bytes() -> None:
    """Strings have other hashes in the other one, and so sets have another order."""
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", _WRITE]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    assert done.stdout == dump_exact(of_the_tests())


async def test_each_endpoint_is_described_and_no_other() -> None:
    app, described = web.Application(), set()
    app.add_routes(ROUTES)
    paths = of_the_tests()["paths"]
    for path, described_there in paths.items():
        concrete = path.replace("{key}", "k").replace("{batch}", "b").replace("{extension}", "json")
        for method in METHODS:
            if method in described_there:
                request = make_mocked_request(method.upper(), concrete, app=app)
                found = await app.router.resolve(request)
                assert found.http_exception is None, (method, path)
                described.add((method.upper(), found.route.handler))
    served = {
        (route.method, route.handler) for route in ROUTES if hasattr(route.handler, "endpoint")
    }
    assert len(served) > 10
    assert served <= described
    for resource in SERVED:
        assert all(f"/api/v1.1/{resource}/{verb.value}" in paths for verb in Verb)


def test_operations_have_names_of_their_own() -> None:
    names = [each["operationId"] for each in operations(of_the_tests())]
    assert len(set(names)) == len(names)
    assert {"createContacts", "patchContacts", "deleteContacts", "listContacts"} <= {*names}
    assert {"getContact", "getBatch", "listBatches", "getBatchFailures"} <= {*names}


def test_select_may_name_nothing() -> None:
    """`?select=` is what is left of an empty list."""
    schema = document()["components"]["parameters"]["DealsSelect"]["schema"]
    assert {"", "meta", "-title", "sales"} <= {*schema["items"]["enum"]}


@pytest.mark.parametrize(
    ("first", "second"), [("deal", "deals"), ("a-b", "a_b"), ("boxes", "box"), ("sheep", "sheeps")]
)
def test_collections_that_are_called_alike_are_told_apart(first: str, second: str) -> None:
    several = type_names([first, second]).values()
    single = [item_name(name, several) for name in several]
    assert len({*several, *single}) == 4


def test_each_reference_leads_somewhere() -> None:
    found = document()

    def check(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                _, _, kind, name = value["$ref"].split("/")
                assert name in found["components"][kind], value["$ref"]
            for each in value.values():
                check(each)
        elif isinstance(value, list):
            for each in value:
                check(each)

    check(found)


def test_each_error_has_an_example() -> None:
    """But for those of paths and methods that the document does not have.

    Of the dialects, one for each status is enough.
    """
    shown = document()["components"]["examples"].keys()
    elsewhere = {"unknown_endpoint", "unknown_collection", "idempotency_key_required"}
    for code in request_errors():
        if code.name in elsewhere | {"method_not_allowed", "ambiguous_match"}:
            continue
        for dialect in ("", ".problem"):
            assert f"{code.name}{dialect}" in shown


def test_each_write_takes_every_media_type_with_an_example() -> None:
    for name in ("contacts", "deals", "airports"):
        for method in ("post", "patch", "put", "delete"):
            content = resolved(document()["paths"][f"/v1/{name}"][method]["requestBody"])["content"]
            assert tuple(content) == REQUESTS
            assert all("example" in each for each in content.values())


def test_what_is_accepted_leads_to_its_batch() -> None:
    accepted = document()["components"]["responses"]["Write202"]
    assert resolved(accepted["links"]["batch"])["operationId"] == "getBatch"
    assert "Location" in accepted["headers"]
    create = document()["paths"]["/v1/contacts"]["post"]["responses"]
    links = resolved(create["201"])["links"]
    assert resolved(links["item"])["operationId"] == "getContact"
    assert "links" not in resolved(create["200"])  # a dry run
    schema = accepted["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/AcceptedDocument"}


def test_settings_are_in_it() -> None:
    settings = dataclasses.replace(
        SETTINGS,
        public_url="https://api.example.com/ingest/",
        max_items=77,
        rate_limit="5/second",
        idempotency_required=True,
        docs="token",
    )
    found = openapi(load_registry(EXAMPLES), settings)
    validate(found)
    assert found["servers"] == [{"url": "https://api.example.com/ingest"}]
    assert found["x-ingest"]["maxItems"] == 77
    assert found["paths"]["/v1/contacts"]["x-ingest"]["idempotencyRequired"]
    create = found["paths"]["/v1/contacts"]["post"]
    body = resolved(create["requestBody"], found)["content"]["application/json"]
    [several, _] = resolved(body["schema"], found)["anyOf"]
    assert several["maxItems"] == 77
    assert "RateLimit" in resolved(create["responses"]["201"], found)["headers"]
    assert "idempotency_key_required" in found["components"]["examples"]
    page = "https://api.example.com/ingest/docs/errors/token_required"
    shown = found["components"]["examples"]["token_required"]["value"]
    assert shown["error"]["moreInfo"] == page
    assert found["paths"]["/openapi.json"]["get"]["security"] == [{"bearer": []}]


def test_an_instance_that_only_reads_describes_no_write() -> None:
    settings = dataclasses.replace(SETTINGS, read_only=True, write_url="https://write.example.com/")
    found = openapi(load_registry(EXAMPLES), settings)
    validate(found)
    methods = {(path, method) for path, each in found["paths"].items() for method in each}
    written = {path for path, method in methods if method in METHODS and method != "get"}
    assert written == {f"/api/v1.1/{name}/get" for name in ("contacts", "deals", "airports")}
    assert {f"/v1/contacts{end}" for end in ("", ".{extension}", "/{key}")} <= {*found["paths"]}
    assert {*found["components"]["requestBodies"]} == {"RpcContact", "RpcDeal", "RpcAirport"}
    assert "Prefer" not in found["components"]["parameters"]
    assert not [each for each in found["components"]["schemas"] if each.endswith("Written")]
    assert "https://write.example.com/" in found["info"]["description"]


def test_the_parameters_of_bodies_are_those_that_are_read() -> None:
    assert {*READING} == BODY_PARAMETERS
    create = document()["paths"]["/v1/contacts"]["post"]["parameters"]
    assert {resolved(each)["name"] for each in create} >= BODY_PARAMETERS


@pytest.mark.parametrize(
    ("name", "taken", "refused"),
    [
        ("dates", ["DD/MM/YYYY", "D. M. YYYY", "YYYYMMDD"], ["DD/DD/YYYY", "DD/MM", "MMYYYYDD"]),
        ("items", ["feed/entry", "/a", "a b"], ["", "a//b", "x:y"]),
        ("nulls", ["NULL", "NULL,N/A"], ["", "NULL,", ",x"]),
    ],
)
def test_a_parameter_of_bodies_has_the_pattern_of_what_is_read(
    name: str, taken: list[str], refused: list[str]
) -> None:
    schema = document()["components"]["parameters"][name]["schema"]
    read = partial(xml_format, None) if name == "items" else partial(csv_format, None, None)
    for text in taken:
        assert re.search(schema["pattern"], text), text
        assert read({name: text})
    for text in refused:
        assert not re.search(schema["pattern"], text), text
        with pytest.raises(InvalidParameter):
            read({name: text})


def test_what_collections_share_is_written_once() -> None:
    """A collection more costs what is its own; a measurement is in decision 27."""
    one, two = (openapi(Registry(served), SETTINGS) for served in (_FEW[:1], _FEW))
    more = len(dump_exact(two)) - len(dump_exact(one))
    assert more < _MOST_OF_ONE, more
    shared = {*one["components"]["responses"]} & {*two["components"]["responses"]}
    assert len(shared) > 0.9 * len(one["components"]["responses"])


class Chained(Schema):
    """Each has another in it, or null."""

    following = fields.Nested(lambda: Chained(), required=True, allow_none=True)


class Endless(Schema):
    """No item can be valid."""

    following = fields.Nested(lambda: Endless(), required=True)


# With examples of all depths, it would have a million objects.
_BRANCHES = {f"branch{number}": fields.Nested(lambda: Branched()) for number in range(10)}
Branched = Schema.from_dict({"name": fields.String(), **_BRANCHES}, name="Branched")


@pytest.mark.parametrize("schema", [Chained, Endless, Branched])
def test_schemas_may_nest_in_themselves(schema: type[Schema]) -> None:
    found = openapi(Registry([Resource("nodes", schema)]), SETTINGS)
    validate(found)
    body = resolved(found["paths"]["/v1/nodes"]["post"]["requestBody"], found)
    assert ("example" in body["content"]["application/json"]) is (schema is not Endless)


def test_words_of_a_declaration_may_be_no_unicode() -> None:
    class Broken(Schema):
        name = fields.String(metadata={"title": "\ud800 a", "description": "b \udfff"})

    found = openapi(Registry([Resource("broken", Broken)]), SETTINGS)
    assert b"? a" in dump_exact(found)


def test_code_of_the_users_that_breaks_leaves_an_example_out() -> None:
    class Broken(Schema):
        name = fields.Method(deserialize="fail", required=True)

        def fail(self, value: Any) -> Any:
            raise RuntimeError(value)

    found = openapi(Registry([Resource("broken", Broken)]), SETTINGS)
    validate(found)
    body = resolved(found["paths"]["/v1/broken"]["post"]["requestBody"], found)
    assert "example" not in body["content"]["application/json"]
    assert orjson.dumps(found)
