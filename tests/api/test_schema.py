"""GET /v1/{collection}/schema: JSON Schema over HTTP, to whom, and how it is kept."""

from typing import Any

import jsonschema
import pytest

from ingest.access.rights import parse_grants
from ingest.store.pool import Pool
from ingest.store.roles import create_role
from ingest.store.tokens import create_token
from tests.api.shared import ANN, BAD, JIM, configured
from tests.harness import Service

PATH = "/v1/contacts/schema"
LINK = '</v1/contacts/schema>; rel="describedby"; type="application/schema+json"'


async def schema_of(api: Service, path: str = PATH) -> Any:
    reply = await api.request("GET", path)
    assert reply.status == 200, reply.body
    jsonschema.Draft202012Validator.check_schema(reply.body)
    return reply.body


async def role(api: Service, operator: Pool, *grants: str) -> Service:
    await create_role(operator, "some", parse_grants(grants))
    _, token = await create_token(operator, "acme", "some", role="some")
    return Service(api.client, token)


@pytest.mark.parametrize("kind", ["create", "patch", "item", "key"])
async def test_each_kind_is_a_valid_schema_that_names_itself(api: Service, kind: str) -> None:
    found = await schema_of(api, f"{PATH}?for={kind}")
    server = api.client.server
    query = "" if kind == "create" else f"?for={kind}"
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["$id"] == f"http://{server.host}:{server.port}{PATH}{query}"


@configured(public_url="https://data.example.com/")
async def test_its_id_is_where_clients_reach_it(api: Service) -> None:
    assert (await schema_of(api))["$id"] == "https://data.example.com/v1/contacts/schema"


async def test_it_takes_what_post_takes_and_says_what_get_shows(service: Service) -> None:
    sent = jsonschema.Draft202012Validator(await schema_of(service))
    assert sent.is_valid(JIM)
    assert sent.is_valid(ANN)
    assert not sent.is_valid(BAD)
    assert (await service.post("contacts", [JIM, ANN])).status == 201
    shown = jsonschema.Draft202012Validator(await schema_of(service, f"{PATH}?for=item"))
    for query in ("", "?select=meta"):
        items = (await service.get(f"contacts{query}")).body["data"]
        for item in items:
            shown.validate(item)
            sent.validate(item)
    assert not shown.is_valid({**items[0], "other": 1})
    key = jsonschema.Draft202012Validator(await schema_of(service, f"{PATH}?for=key"))
    assert key.is_valid(items[0]["id"])
    assert not key.is_valid("jim")


async def test_the_media_type_is_its_own_or_plain_json(api: Service) -> None:
    for accept, media_type in {
        "*/*": "application/schema+json",
        "application/schema+json": "application/schema+json",
        "application/json": "application/json",
    }.items():
        reply = await api.request("GET", PATH, accept=accept)
        assert reply.headers["Content-Type"] == media_type
    assert (await api.request("GET", PATH, accept="text/csv")).status == 406
    named = await api.request("GET", f"{PATH}.json?for=key")
    assert named.headers["Content-Type"] == "application/json"
    assert named.body["$id"].endswith(f"{PATH}?for=key")
    assert (await api.request("GET", f"{PATH}.xml")).status == 406


@pytest.mark.parametrize("dialect", ["collection", "data", "status", "hash"])
async def test_tokens_of_a_dialect_get_the_same(api: Service, operator: Pool, dialect: str) -> None:
    _, token = await create_token(operator, "acme", dialect, dialect=dialect)
    reply = await Service(api.client, token).request(
        "GET", f"{PATH}.json", accept="application/json"
    )
    assert reply.body == await schema_of(api)


async def test_what_has_not_changed_is_not_sent_again(api: Service) -> None:
    first = await api.request("GET", PATH)
    assert first.headers["Cache-Control"] == "private, no-cache"
    tag = first.headers["ETag"]
    again = await api.request("GET", PATH, if_none_match=f'"other", {tag}')
    assert (again.status, again.body) == (304, None)
    assert again.headers["ETag"] == tag
    other = await api.request("GET", f"{PATH}?for=item", if_none_match=tag)
    assert other.status == 200
    assert other.headers["ETag"] != tag


@pytest.mark.parametrize("grant", ["contacts=create", "contacts=delete", "read"])
async def test_any_right_on_the_collection_will_do(
    api: Service, operator: Pool, grant: str
) -> None:
    await schema_of(await role(api, operator, grant))


async def test_without_a_right_or_a_token_there_is_none(api: Service, operator: Pool) -> None:
    other = await role(api, operator, "deals=create,read,update,delete")
    refused = await other.request("GET", PATH)
    assert (refused.status, refused.error) == (403, (40301, "not_permitted"))
    assert "Link" not in refused.headers
    unknown = await api.request("GET", PATH, Authorization="")
    assert unknown.status == 401


async def test_what_there_is_none_of(api: Service) -> None:
    assert (await api.get("nothing/schema")).error == (40402, "unknown_collection")
    assert (await api.get("contacts/schema?for=all")).error == (40002, "invalid_parameter")
    assert (await api.get("contacts/schema?limit=1")).error == (40002, "invalid_parameter")
    assert (await api.request("DELETE", PATH)).status == 405


async def test_answers_of_the_collection_link_to_it(service: Service) -> None:
    saved = await service.post("contacts", [JIM, ANN])
    key = saved.body["data"][0]["id"]
    answers = [
        saved,
        await service.post("contacts", [BAD]),
        await service.get(f"contacts/{key}"),
        await service.patch("contacts", [{"id": key, "age": 5}]),
        await service.get("contacts?limit=0"),
        await service.delete("contacts", [key]),
    ]
    assert all(LINK in each.headers.getall("Link") for each in answers)
    page = await service.get("contacts?limit=1")
    assert LINK in page.headers.getall("Link")
    batches = await service.get("batches")
    assert "Link" not in batches.headers
