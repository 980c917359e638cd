"""Behind a proxy that serves the service below a path, and takes that path off."""

import re

import pytest

from tests.api.shared import ANN, JIM, configured
from tests.harness import Service

BELOW = configured(public_url="https://api.example.com/bulk/")
BROWSER = {"Accept": "text/html"}


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/docs/try", "/docs/errors", "/docs/errors/duplicate"]
)
@BELOW
async def test_what_pages_refer_to_is_below_it(api: Service, path: str) -> None:
    async with api.client.get(path, headers=BROWSER) as response:
        found = {*re.findall(r'(?:href|src)="(/[^"#]*)', await response.text())}
    assert found
    for each in found:
        assert each.startswith("/bulk/")
        async with api.client.get(each.removeprefix("/bulk"), headers=BROWSER) as response:
            assert response.status == 200, each


@BELOW
async def test_links_of_answers_are_below_it(service: Service, api: Service) -> None:
    await service.post("contacts", [JIM, ANN])
    headers = {"Authorization": f"Bearer {api.token}"}
    async with api.client.get("/v1/contacts?limit=1", headers=headers) as response:
        links = response.links
    assert {each["url"].path for each in links.values()} == {
        "/bulk/v1/contacts",
        "/bulk/v1/contacts/schema",
        "/bulk/openapi.json",
        "/bulk/docs",
    }
    async with api.client.get("/") as response:
        assert {each["url"].path for each in response.links.values()} == {
            "/bulk/openapi.json",
            "/bulk/docs",
        }


@BELOW
async def test_a_batch_is_below_it(api: Service) -> None:
    accepted = await api.post("contacts", [JIM], idempotency_key="one", prefer="respond-async")
    assert accepted.status == 202
    again = await api.post("contacts", [JIM], idempotency_key="one")
    assert again.status == 409
    for reply in (accepted, again):
        assert reply.headers["Location"].startswith("/bulk/v1/batches/")
