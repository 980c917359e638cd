"""What no answer tells: values that a token could only guess."""

from collections.abc import AsyncIterator

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.access.rights import parse_grants
from ingest.settings import Settings
from ingest.store.pool import open_pool
from ingest.store.roles import create_role
from ingest.store.tokens import DEFAULT_ROLE, create_token
from tests.api.declared import serving
from tests.harness import Service


class Account(Schema):
    key = fields.Integer(required=True)
    name = fields.String(required=True)
    password = fields.String(load_only=True)
    login = fields.String(load_only=True)
    limit = fields.Integer()


SECRETS = ("s3cret", "m1sspelt")
BAD = {
    "key": "x",
    "name": "a",
    "password": SECRETS[0],
    "pasword": SECRETS[1],
    "limit": 5,
}


@pytest.fixture
def settings(empty_database: str, redis_url: str) -> Settings:
    return Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    resource = Resource("accounts", Account, key="key", unique="login")
    async with serving(settings, resource) as served:
        yield served


async def token(settings: Settings, role: str = DEFAULT_ROLE) -> str:
    async with open_pool(settings, role=None) as operator:
        _, secret = await create_token(operator, "acme", "another", role=role)
    return secret


async def writer(settings: Settings) -> str:
    """A token that may write, and read nothing."""
    async with open_pool(settings, role=None) as operator:
        await create_role(operator, "blind", parse_grants(["create,update,delete"]))
    return await token(settings, "blind")


async def text(service: Service, path: str, authorized: str) -> str:
    headers = {"Authorization": f"Bearer {authorized}"}
    async with service.client.get(f"/v1/{path}", headers=headers) as response:
        return await response.text()


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_a_field_that_is_never_shown_finds_nothing(service: Service, method: str) -> None:
    await service.post("accounts", [{"key": 1, "name": "a", "password": "x"}])
    path = "/v1/accounts?dryRun=true&matching="
    refused = await service.request(method, f"{path}password", [{"password": "x"}])
    assert (refused.status, refused.error) == (400, (40002, "invalid_parameter"))
    assert (await service.request(method, f"{path}login", [])).status == 200
    listed = await service.get("accounts?password=x")
    assert (listed.status, listed.error) == (400, (40002, "invalid_parameter"))


async def test_without_read_nobody_learns_whether_a_value_is_the_stored_one(
    service: Service, settings: Settings
) -> None:
    await service.post("accounts", [{"key": 1, "name": "a"}, {"key": 2, "name": "b"}])
    blind = await writer(settings)
    changes = [{"key": 1, "name": "a"}, {"key": 2, "name": "c"}]
    for path in ("accounts?dryRun=true", "accounts"):
        changed = await service.patch(path, changes, token=blind)
        assert changed.status == 200, changed.body
        metadata = changed.body["metadata"]
        assert metadata["updated"] == 2
        assert not {"unchanged", "outcomes"} & metadata.keys()
        assert "unchanged" not in changed.body["message"]
    batch = await service.get(f"batches/{metadata['batchId']}", token=blind)
    listed = await service.get("batches", token=blind)
    for shown in (batch.body["data"], *listed.body["data"]):
        assert "unchanged" not in shown["metadata"]
    known = await service.patch("accounts", changes)
    assert known.body["metadata"]["unchanged"] == 2


@pytest.mark.parametrize("extension", ["json", "ndjson", "csv"])
async def test_what_another_token_sent_is_shown_without_what_is_never_shown(
    service: Service, settings: Settings, extension: str
) -> None:
    refused = await service.post("accounts", [BAD])
    assert refused.body["failures"][0]["rawData"] == BAD
    batch = refused.body["metadata"]["batchId"]
    other = await token(settings)
    for path in (f"batches/{batch}", f"batches/{batch}/failures.{extension}"):
        mine, theirs = [
            await text(service, path, authorized) for authorized in (service.token, other)
        ]
        assert all(secret in mine for secret in SECRETS)
        assert not any(secret in theirs for secret in SECRETS), theirs
        assert "limit" in theirs
