"""Who reads what describes the collections."""

import base64

import pytest

from tests.api.shared import configured
from tests.harness import Service

PAGES = ["/docs", "/docs/try", "/openapi.json", "/openapi.yaml"]


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


async def status(service: Service, path: str, *credentials: str) -> int:
    headers = [("Authorization", each) for each in credentials]
    async with service.client.get(path, headers=headers) as response:
        return response.status


@pytest.mark.parametrize("path", PAGES)
async def test_it_is_public_by_default(api: Service, path: str) -> None:
    assert await status(api, path) == 200
    assert await status(api, path, "Bearer nonsense") == 200


@pytest.mark.parametrize("path", PAGES)
@configured(docs="token")
async def test_a_token_of_any_account_opens_it(api: Service, rival: Service, path: str) -> None:
    for token in (api.token, rival.token):
        assert await status(api, path, f"Bearer {token}") == 200
        assert await status(api, path, basic("", token)) == 200
        assert await status(api, path, basic("any name", token)) == 200


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "Bearer",
        "Bearer nonsense",
        "Basic",
        "Basic !",
        "Basic bm9jb2xvbg==",
        "Basic gIA6gIA=",
        "Negotiate x",
        basic("name", ""),
        basic("name", "nonsense"),
    ],
)
@configured(docs="token")
async def test_nothing_else_does(api: Service, path: str, credentials: str) -> None:
    async with api.client.get(path, headers={"Authorization": credentials}) as response:
        page = await response.text()
    assert response.status == 401
    asked = response.headers.getall("WWW-Authenticate")
    assert asked[0].startswith("Bearer")
    assert asked[1].startswith("Basic realm=")
    assert response.headers["Cache-Control"] == "no-store"
    assert "contacts" not in page


@configured(docs="token")
async def test_a_browser_is_shown_how(api: Service) -> None:
    async with api.client.get("/docs", headers={"Accept": "text/html,*/*;q=0.8"}) as response:
        page = await response.text()
    assert response.status == 401
    assert response.content_type == "text/html"
    assert response.headers["Vary"] == "Accept, Authorization"
    assert response.headers.getall("WWW-Authenticate")[1].startswith("Basic realm=")
    assert "The password is the token" in page
    assert "contacts" not in page


@configured(docs="token")
async def test_two_tokens_are_none(api: Service) -> None:
    assert await status(api, "/docs", *2 * (f"Bearer {api.token}",)) == 401


@configured(docs="token")
async def test_the_api_takes_no_password(api: Service) -> None:
    """What a browser sends by itself must not be able to write."""
    for method in ("GET", "POST"):
        async with api.client.request(
            method, "/v1/contacts", headers={"Authorization": basic("", api.token)}
        ) as response:
            assert response.status == 401
            assert response.headers.getall("WWW-Authenticate") == ["Bearer"]


@pytest.mark.parametrize("path", PAGES)
@configured(docs="off")
async def test_it_may_be_off(api: Service, path: str) -> None:
    assert await status(api, path, f"Bearer {api.token}") == 404


@pytest.mark.parametrize("settings", [{"docs": "token"}, {"docs": "off"}], indirect=True)
@pytest.mark.parametrize("path", ["/docs/errors", "/docs/errors/duplicate"])
async def test_errors_are_explained_to_everyone(api: Service, path: str) -> None:
    assert await status(api, path) == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/try", "/docs/errors/duplicate"])
async def test_a_kept_page_keeps_its_policy(api: Service, path: str) -> None:
    """Else a browser that opens it again would refuse its style."""
    browser = {"Accept": "text/html"}
    async with api.client.get(path, headers=browser) as first:
        assert "style-src 'self'" in first.headers["Content-Security-Policy"]
    browser["If-None-Match"] = first.headers["ETag"]
    async with api.client.get(path, headers=browser) as again:
        assert again.status == 304
    for name in ("Content-Security-Policy", "Vary", "Cache-Control", "ETag"):
        assert again.headers[name] == first.headers[name]
