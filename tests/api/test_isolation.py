"""Every endpoint and action, tried with what belongs to another account (contract 2)."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from ingest.http.roots import ALIASES, API
from ingest.http.routes import ROUTES
from ingest.store.pool import Pool
from ingest.store.quotas import set_quota
from ingest.store.tokens import create_token, revoke_token
from tests.api.shared import configured
from tests.harness import Reply, Service

SECRET = "zsecretz"  # in every value of the other account


@dataclass(frozen=True)
class Theirs:
    """What the other account has, and what no other may learn or change."""

    contact: str
    batch: str
    failed: str
    key: str
    state: Any


@pytest.fixture
async def theirs(service: Service, operator: Pool) -> Theirs:
    """An account with an item, a committed batch, a failed one, a used key and a limit."""
    item = {"email": f"{SECRET}@example.com", "first_name": SECRET, "tags": [SECRET]}
    saved = await service.post("contacts", item, idempotency_key=SECRET)
    await service.patch("contacts", {"id": saved.body["data"][0]["id"], "age": 30})
    failed = await service.post("contacts", {**item, "age": SECRET}, prefer="repair=keep")
    assert failed.body["metadata"]["repairable"] is True
    await set_quota(operator, "acme", "contacts", 1)
    key = saved.body["data"][0]["id"]
    return Theirs(
        key,
        saved.body["metadata"]["batchId"],
        failed.body["metadata"]["batchId"],
        SECRET,
        await _everything(service),
    )


async def _everything(service: Service) -> Any:
    """All that an account sees of itself."""
    pages = [await service.get("contacts?select=meta"), await service.get("batches")]
    return [page.body["data"] for page in pages]


def _attempts(theirs: Theirs) -> dict[tuple[str, str], list[tuple[str, Any, dict[str, str]]]]:
    """Requests for every route, by method and path: path, body and headers of each."""
    key, email = theirs.contact, f"{SECRET}@example.com"
    change = {"id": key, "age": 1, "meta": {"version": 1}}
    keyed = {"idempotency_key": theirs.key, "prefer": "replay=return"}
    data = {"accept": "*/*; dialect=data"}
    merge, ignore = "resolution=merge-duplicates", "resolution=ignore-duplicates"
    collection, one = "/v1/{collection}", "/v1/{collection}/{key}"
    deletes: list[tuple[str, Any, dict[str, str]]] = [
        ("contacts", [key], {}),
        ("contacts", [change], {}),
        ("contacts?matching=email", [email], {}),
        ("contacts?dryRun=true", [key], {}),
    ]
    return {
        ("GET", "/v1/{collection}/schema"): [
            (f"contacts/schema?for={each}", None, {}) for each in ("create", "item")
        ],
        ("GET", "/v1/{collection}/schema.{extension}"): [("contacts/schema.json", None, {})],
        ("GET", "/v1/batches"): [("batches", None, {}), ("batches?limit=1&offset=1", None, {})],
        ("GET", "/v1/batches/{batch}"): [
            (f"batches/{theirs.batch}", None, {}),
            (f"batches/{theirs.failed}", None, {}),
        ],
        ("GET", "/v1/batches/{batch}/failures"): [
            (f"batches/{theirs.failed}/failures", None, {}),
            (f"batches/{theirs.failed}/failures", None, {"accept": "text/csv"}),
        ],
        ("GET", "/v1/batches/{batch}/failures.{extension}"): [
            (f"batches/{theirs.failed}/failures.{extension}", None, {})
            for extension in ("json", "ndjson", "csv")
        ],
        ("GET", "/v1/batches/{batch}/digest"): [
            (f"batches/{each}/digest", None, {}) for each in (theirs.batch, theirs.failed)
        ],
        ("GET", "/v1/batches/{batch}/digest.{extension}"): [
            (f"batches/{theirs.failed}/digest.json", None, {})
        ],
        ("DELETE", "/v1/batches/{batch}"): [
            (f"batches/{each}", None, headers)
            for each in (theirs.batch, theirs.failed)
            for headers in ({}, {"if_match": '"1"'})
        ],
        ("PATCH", "/v1/batches/{batch}/items"): [
            (f"batches/{each}/items", [change], headers)
            for each in (theirs.batch, theirs.failed)
            for change in ({"index": 0, "drop": True}, {"index": 0, "item": {}})
            for headers in ({}, {"if_match": '"1"'})
        ],
        ("POST", "/v1/batches/{batch}:repair"): [
            (f"batches/{each}:repair", {"remedies": ["x"]}, {})
            for each in (theirs.batch, theirs.failed)
        ],
        ("POST", "/v1/batches/{batch}:repair.{extension}"): [
            (f"batches/{theirs.failed}:repair.json", {"remedies": ["x"]}, {})
        ],
        ("PATCH", "/v1/batches/{batch}/items.{extension}"): [
            (f"batches/{theirs.failed}/items.json", [{"index": 0, "drop": True}], {}),
        ],
        ("POST", "/v1/batches/{batch}:revert"): [
            (f"batches/{each}:revert{query}", None, headers)
            for each in (theirs.batch, theirs.failed)
            for query in ("", "?dryRun=true")
            for headers in ({}, {"prefer": "handling=lenient"}, keyed)
        ],
        ("POST", "/v1/batches/{batch}:revert.{extension}"): [
            (f"batches/{theirs.batch}:revert.json", None, {}),
        ],
        ("GET", "/v1/batches.{extension}"): [("batches.json", None, {})],
        ("POST", "/v1/{collection}:delete.{extension}"): [("contacts:delete.json", [key], {})],
        ("GET", collection): [
            ("contacts", None, {}),
            ("contacts?select=meta&limit=1000", None, {}),
            (f"contacts?email={email}", None, {}),
            (f"contacts?id={key}", None, {}),
        ],
        ("GET", one): [(f"contacts/{key}", None, {}), (f"contacts/{key}?select=meta", None, {})],
        ("POST", collection): [
            ("contacts?dryRun=true", {"id": key, "email": "a@b.cd", "first_name": "x"}, {}),
            ("contacts", {"id": key, "email": "a@b.cd", "first_name": "x"}, keyed),
            ("contacts", {"id": key, "email": "a@b.cd", "first_name": "y"}, {"prefer": merge}),
            ("contacts", {"id": key, "email": "a@b.cd", "first_name": "z"}, {"prefer": ignore}),
        ],
        ("PATCH", collection): [
            ("contacts", [change], {}),
            ("contacts?matching=email", [{"email": email, "age": 1}], {}),
            ("contacts?dryRun=true", [change], {}),
        ],
        ("PUT", collection): [("contacts", [change], data)],
        ("DELETE", collection): deletes,
        ("PATCH", one): [(f"contacts/{key}", {"age": 1}, data)],
        ("PUT", one): [(f"contacts/{key}", {"age": 1}, data)],
        ("DELETE", one): [(f"contacts/{key}", None, data)],
        ("POST", "/v1/{collection}:delete"): [
            (path.replace("contacts", "contacts:delete"), body, headers)
            for path, body, headers in deletes
        ],
    }


def _calls(theirs: Theirs) -> list[tuple[str, dict[str, Any]]]:
    """Methods of document 001 and their parameters."""
    key, email = theirs.contact, f"{SECRET}@example.com"
    return [
        ("contacts/get", {"profile_id": key}),
        ("contacts/get", {"matching": "email", "email": email}),
        ("contacts/update", {"profile_id": key, "data": {"age": 1}}),
        ("contacts/update", {"matching": "email", "email": email, "data": {"age": 1}}),
        ("contacts/delete", {"profile_id": key}),
        ("contacts/delete_batch", {"data": [{"id": key}]}),
        ("contacts/import", {"profile_id": key, "data": {"email": "a@b.cd", "first_name": "x"}}),
    ]


PUBLIC = {
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/docs",
    "/docs/errors",
    "/docs/errors/{name}",
    "/docs/try",
    "/openapi.json",
    "/openapi.yaml",
    "/static/{name}",
}
"""What answers every account the same."""
RPC = "/api/v1.1/"


def _routes() -> set[tuple[str, str]]:
    """Every route, by method and path; those under an alias by that which it stands for."""
    router = web.Application().router
    router.add_routes(ROUTES)
    found = {
        (route.method, route.resource.canonical)
        for route in router.routes()
        if route.method != "HEAD" and route.resource and route.resource.canonical not in PUBLIC
    }
    return {(method, _under_v1(path)) for method, path in found if not path.startswith(RPC)}


def _under_v1(path: str) -> str:
    root = next((each for each in ALIASES if path.startswith(each)), API)
    return API + path.removeprefix(root)


async def test_no_endpoint_shows_or_changes_anothers(
    service: Service, rival: Service, theirs: Theirs
) -> None:
    attempts = _attempts(theirs)
    assert set(attempts) == _routes(), "a new endpoint: say here how it could be abused"
    for (method, template), requests in attempts.items():
        for root, (path, body, headers) in itertools.product((API, *ALIASES), requests):
            if root != API and "idempotency_key" in headers:
                continue  # the same request as under /v1/, so it would be a replay of its own
            accept = {"accept": "application/json"} | headers
            reply = await rival.request(method, f"{root}{path}", body, **accept)
            assert reply.status < 500, (method, path)
            _tells_nothing(reply, body, (method, path, template))
    for name, parameters in _calls(theirs):
        body = {"token": rival.token, **parameters}
        reply = await rival.request("POST", f"{RPC}{name}", body)
        assert reply.status < 500, name
        _tells_nothing(reply, body, name)
    assert await _everything(service) == theirs.state


def _tells_nothing(reply: Reply, sent: Any, about: object) -> None:
    """Nothing of the other account is in the answer but what was sent with the request."""
    text = json.dumps([reply.body, list(reply.headers.values())])
    if SECRET not in json.dumps(sent) and SECRET not in str(about):
        assert SECRET not in text, about
    assert "notifications" not in (reply.body or {}), about
    assert "Idempotency-Replayed" not in reply.headers, about


async def test_ended_tokens_open_nothing(service: Service, theirs: Theirs, operator: Pool) -> None:
    id_, token = await create_token(operator, "acme", "gone")
    await revoke_token(operator, id_)
    altered = service.token[:-1] + ("A" if service.token[-1] != "A" else "B")
    for wrong in (token, altered, service.token.upper(), theirs.batch, "ingest_"):
        outsider = Service(service.client, wrong)
        for (method, _), requests in _attempts(theirs).items():
            path, body, headers = requests[0]
            reply = await outsider.request(method, f"/v1/{path}", body, **headers)
            status = 403 if "dialect=data" in headers.get("accept", "") else 401
            assert (reply.status, reply.error) == (status, (40102, "token_invalid"))
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")
            assert SECRET not in json.dumps(reply.body)
    assert await _everything(service) == theirs.state


@configured(idempotency_required=True)
async def test_keys_are_each_accounts_own_for_every_action(
    service: Service, rival: Service
) -> None:
    requests: list[tuple[str, Any]] = [
        ("POST", [{"name": "A"}]),
        ("PATCH", [{"name": "A"}]),
        ("DELETE", ["A"]),
    ]
    for method, body in requests:
        for client in (service, rival):
            reply = await client.request(method, "/v1/people", body, idempotency_key=f"k-{method}")
            assert reply.status in (200, 201), (method, reply)


async def test_raw_sql_without_an_account_finds_nothing(
    theirs: Theirs, rival: Service, operator: Pool, database_url: str
) -> None:
    """What a service would see that forgot to say for whom it works."""
    connection = await asyncpg.connect(database_url, server_settings={"role": "ingest_app"})
    try:
        tables = await connection.fetch(
            """
            SELECT format('%I.%I', n.nspname, c.relname) AS name
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('ingest', 'collections', 'images')
                AND c.relkind IN ('r', 'p', 'v', 'm')
            """
        )
        # What schemas look like, and which there are, is of no account.
        names = {row["name"] for row in tables} - {"ingest.schema_version", "ingest.layouts"}
        assert {"ingest.tokens", "ingest.quotas", "collections.contacts"} <= names
        for name in names:
            assert await connection.fetchval(f"SELECT count(*) FROM {name}") == 0, name
        for account in ("", "*", "%", "ACME", "acme "):
            await connection.execute("SELECT set_config('ingest.account', $1, false)", account)
            for name in names:
                assert await connection.fetchval(f"SELECT count(*) FROM {name}") == 0, name
    finally:
        await connection.close()
    async with operator.connection() as everything:
        for name in ("ingest.tokens", "ingest.batches", "collections.contacts"):
            assert await everything.fetchval(f"SELECT count(*) FROM {name}"), name
