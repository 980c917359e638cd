"""A client that was written from document 002 alone, through a day's work."""

import datetime as dt
import urllib.request
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.clients.status_client import (
    Client,
    FailedRequestError,
    ForbiddenError,
    ImplementationError,
    LoginRequiredError,
    NotFoundError,
    ServerStateError,
)

if TYPE_CHECKING:
    from conftest import Dev

pytestmark = pytest.mark.timeout(240)
FORMATS = ("json", "xml", "yaml")


def token_of(dev: "Dev", account: str) -> str:
    """A token of an account of its own, which has the dialect."""
    made = dev.command("token", "create", "--account", account, "--dialect", "status")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def client_of(dev: "Dev", account: str, format_: str) -> Client:
    return Client(f"{dev.ready['url']}/v1", token_of(dev, account), format_)


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"email": f"{name.lower()}@example.com", "first_name": name, **more}


def read_documentation(failed: FailedRequestError) -> str:
    """The page that describes a failure, as it is read without a token."""
    assert failed.more_info is not None
    with urllib.request.urlopen(failed.more_info, timeout=60) as page:
        assert page.headers.get_content_type() == "text/html"
        return str(page.read().decode())


@pytest.mark.parametrize("format_", FORMATS)
def test_a_day_of_work(dev: "Dev", format_: str) -> None:
    client = client_of(dev, f"status-day-{format_}", format_)
    assert client.call("GET", "/contacts")["data"] == []
    assert abs((dt.datetime.now(dt.UTC) - client.timestamp).total_seconds()) < 60

    ann, bo, cy = client.call(
        "POST", "/contacts", [person("Ann", age=41), person("Bo"), person("Cy")]
    )["data"]
    assert (ann["email"], ann["age"]) == ("ann@example.com", 41)

    # The fault is on us: the error says where, and its page what to do.
    with pytest.raises(ImplementationError) as failed:
        client.call("POST", "/contacts", [person("Di"), person("Ed", email="x")])
    assert failed.value.error_name == "bad_format"
    assert failed.value.error_message == "Item 1, email: Not a valid email address."
    assert "bad_format" in read_documentation(failed.value)
    [ed] = client.call("POST", "/contacts", [person("Ed")])["data"]

    seen = []
    for offset in (0, 3):
        page = client.call("GET", f"/contacts?limit=3&offset={offset}")
        seen += [each["first_name"] for each in page["data"]]
    assert sorted(seen) == ["Ann", "Bo", "Cy", "Ed"]

    client.call("PATCH", "/contacts", [{"id": bo["id"], "last_name": "Berg"}])
    shown = client.call("GET", f"/contacts/{bo['id']}")["data"]
    assert (shown["first_name"], shown["last_name"]) == ("Bo", "Berg")
    client.call("DELETE", "/contacts", [ann["id"], cy["id"]])
    for method, resource, items in (
        ("GET", f"/contacts/{ann['id']}", None),
        ("PATCH", "/contacts", [{"id": ann["id"], "age": 42}]),
        ("DELETE", "/contacts", [ann["id"]]),
    ):
        with pytest.raises(NotFoundError) as missing:
            client.call(method, resource, items)
        assert missing.value.error_name == "item_not_found"
    left = client.call("GET", "/contacts")["data"]
    assert {each["id"] for each in left} == {bo["id"], ed["id"]}


def test_the_examples_of_the_document_and_no_format_at_all(dev: "Dev") -> None:
    account = "status-formats"
    for format_ in FORMATS:
        assert client_of(dev, account, format_).call("GET", "/contacts")["status"] == 200
    for format_ in ("", "csv", "JSON"):
        client = client_of(dev, account, format_)
        for method, items in (("GET", None), ("POST", [person("Ann")])):
            with pytest.raises(ImplementationError) as failed:
                client.call(method, "/contacts", items)
            assert failed.value.error_name == "format_required"
            assert "format_required" in read_documentation(failed.value)
    assert client_of(dev, account, "json").call("GET", "/contacts")["data"] == []


@pytest.mark.parametrize("format_", FORMATS)
def test_the_user_has_to_log_in(dev: "Dev", format_: str) -> None:
    client = Client(f"{dev.ready['url']}/v1", "nonsense", format_)
    with pytest.raises(LoginRequiredError) as failed:
        # A token that is wrong names no dialect.
        client.call("GET", "/contacts", Accept="*/*; dialect=status")
    assert failed.value.error_name == "token_invalid"
    assert "token_invalid" in read_documentation(failed.value)


def test_what_is_sent_again_after_a_lost_connection_is_saved_once(dev: "Dev") -> None:
    token = token_of(dev, "status-lost")
    body = b'[{"email": "ann@example.com", "first_name": "Ann"}]'
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = HTTPConnection(dev.ready["url"].removeprefix("http://"), timeout=30)
    connection.request("POST", "/v1/contacts.json", body, headers)
    connection.close()  # before any response is read
    client = Client(f"{dev.ready['url']}/v1", token, "json")
    # The first request has saved the contact, is saving it, or never arrived.
    name = None
    try:
        client.call("POST", "/contacts", [person("Ann")])
    except ServerStateError as failed:
        name = failed.error_name
    assert name in (None, "duplicate")
    assert len(client.call("GET", "/contacts")["data"]) == 1


@pytest.mark.parametrize("format_", FORMATS)
def test_a_user_who_has_reached_a_limit(dev: "Dev", format_: str) -> None:
    account = f"status-small-{format_}"
    client = client_of(dev, account, format_)
    assert dev.command("quota", "set", "--account", account, "contacts", "2").returncode == 0
    [ann, _] = client.call("POST", "/contacts", [person("Ann"), person("Bo")])["data"]
    with pytest.raises(ForbiddenError) as failed:
        client.call("POST", "/contacts", [person("Cy")])
    assert failed.value.error_name == "limit_reached"
    assert "limit_reached" in read_documentation(failed.value)
    client.call("DELETE", "/contacts", [ann["id"]])
    assert client.call("POST", "/contacts", [person("Cy")])["status"] == 200
