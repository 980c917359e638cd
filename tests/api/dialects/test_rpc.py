"""Document 001 over HTTP: what a client that was written from it alone relies on."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from ingest.app import create_app
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.api.conftest import Server
from tests.harness import contacts, people, seats, subscribers

# In the order that makes the document's own database 1.
REGISTRY = Registry([subscribers, contacts, seats, people])
EXAMPLE = """{
	"token": "TOKEN",
	"db_id": 1,
	"resource_id": 1,
	"matching": "email",
	"email": "example@example.com",
	"data": {
		"_status": 0,
		"_fname": "Jim",
		"_lname": "Jones",
		"email": "example@example.com",
		"phones": ["+79000000000"]
	}
}
"""
JIM = json.loads(EXAMPLE)["data"]
OK = {"error": 0, "error_text": "Successful operation"}


@dataclass(frozen=True)
class Called:
    """What came back."""

    status: int
    headers: Any
    body: Any
    text: str

    @property
    def error(self) -> int:
        code: int = self.body["error"]
        return code


class Rpc:
    """A client of the document's own kind."""

    def __init__(self, client: "TestClient[Any, Any]", token: str, operator: Pool) -> None:
        self.client, self.token, self._operator = client, token, operator

    async def send(self, method: str, body: str | bytes, verb: str = "POST", **more: Any) -> Called:
        """Send a body as it is; `more` are headers in snake case."""
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        headers = {"Content-Type": "application/json"} | headers
        headers = {name: value for name, value in headers.items() if value is not None}
        skip = ["Content-Type"]
        path = f"/api/v1.1/{method}"
        data = body.encode() if isinstance(body, str) else body
        async with self.client.request(
            verb, path, data=data, headers=headers, skip_auto_headers=skip
        ) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            document = json.loads(text) if text and is_json else None
            return Called(response.status, response.headers, document, text)

    async def call(
        self, method: str, headers: dict[str, str] | None = None, /, **more: Any
    ) -> Called:
        """Call a method of database 1 with the client's token."""
        parameters = {"token": self.token, "db_id": 1, **more}
        kept = {name: value for name, value in parameters.items() if value is not ...}
        return await self.send(method, json.dumps(kept), **(headers or {}))

    async def stored(self, table: str = "subscribers") -> list[dict[str, Any]]:
        """The rows of a table, in the order in which they came, without the service's columns."""
        async with self._operator.connection() as connection:
            rows = await connection.fetch(f"SELECT to_jsonb(t) AS row FROM collections.{table} t")
        return [
            {name: value for name, value in json.loads(row["row"]).items() if name[:1] != "$"}
            for row in rows
        ]


@pytest.fixture
async def quiet(settings: Settings, operator: Pool) -> AsyncIterator[Rpc]:
    """An API without a worker."""
    _, token = await create_token(operator, "acme", "tests")
    async with TestClient(Server(create_app(settings, REGISTRY))) as client:
        yield Rpc(client, token, operator)


@pytest.fixture
async def rpc(quiet: Rpc, worker: None) -> Rpc:
    """The whole service."""
    return quiet


async def test_r02_r08_r10_r18_the_documents_example_verbatim(rpc: Rpc) -> None:
    reply = await rpc.send("profiles/import", EXAMPLE.replace("TOKEN", rpc.token))
    [row] = await rpc.stored()
    assert reply.status == 200
    assert reply.body == OK | {"profile_id": row.pop("id")}
    assert row == JIM


async def test_r16_add_update_get_delete(rpc: Rpc) -> None:
    added = await rpc.call("profiles/add", data=JIM)
    again = await rpc.call("profiles/add", data=JIM | {"_fname": "Tim"})
    key = added.body["profile_id"]
    updated = await rpc.call("profiles/update", profile_id=key, data={"_fname": "Tom"})
    found = await rpc.call("profiles/get", matching="email", email=JIM["email"])
    by_key = await rpc.call("profiles/get", profile_id=key)
    deleted = await rpc.call("profiles/delete", profile_id=key)
    gone = await rpc.call("profiles/get", profile_id=key)
    assert (added.body, updated.body, deleted.body) == (OK | {"profile_id": key},) * 3
    assert again.error == 409
    expected = OK | {"profile_id": key, "data": JIM | {"_fname": "Tom", "id": key}}
    assert (found.body, by_key.body) == (expected, expected)
    assert gone.error == 404
    assert await rpc.stored() == []
