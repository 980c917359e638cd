"""A client that was written from document 000 alone, through a day's work."""

import datetime as dt
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.clients.hash_client import Client, NotAcceptableError, OperationFailedError

if TYPE_CHECKING:
    from conftest import Dev

pytestmark = pytest.mark.timeout(240)
FORMATS = ("json", "xml", "yaml")


def client_of(dev: "Dev", account: str, format_: str) -> Client:
    """A client with a token of an account of its own, which has the dialect."""
    made = dev.command("token", "create", "--account", account, "--dialect", "hash")
    assert made.returncode == 0, made.stderr
    return Client(dev.ready["url"], made.stdout.strip(), format_)


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"email": f"{name.lower()}@example.com", "first_name": name, **more}


@pytest.mark.parametrize("format_", FORMATS)
def test_a_day_of_work(dev: "Dev", format_: str) -> None:
    client = client_of(dev, f"day-{format_}", format_)
    assert client.call("GET", "contacts")["contacts"] == []

    made = client.call("POST", "contacts", [person("Ann", age=41), person("Bo"), person("Cy")])
    moment = dt.datetime.fromisoformat(client.server_time)
    assert abs((dt.datetime.now(dt.UTC) - moment).total_seconds()) < 60
    ann, bo, cy = made["contacts"]
    assert (ann["email"], ann["age"]) == ("ann@example.com", 41)

    # One of the list is wrong, so that none is saved; which, and why, is in the result.
    with pytest.raises(OperationFailedError) as failed:
        client.call("POST", "contacts", [{"email": "x"}, person("Di")])
    assert failed.value.status != 0
    assert "nothing was saved" in failed.value.message
    [failure] = failed.value.data["failures"]
    assert failure["data"] == {"email": "x"}
    assert {error["field"] for error in failure["errors"]} == {"email", "first_name"}
    corrected = failure["data"] | person("Ed")
    [ed] = client.call("POST", "contacts", [corrected])["contacts"]

    # Pages.
    seen, page = [], 0
    while True:
        listed = client.call("GET", f"contacts?limit=3&offset={3 * page}")
        assert (listed["count"], listed["page"], listed["maxpage"]) == (4, page + 1, 2)
        seen += [each["first_name"] for each in listed["contacts"]]
        page += 1
        if listed["page"] == listed["maxpage"]:
            break
    assert sorted(seen) == ["Ann", "Bo", "Cy", "Ed"]

    # Change, read, delete.
    client.call("PATCH", "contacts", [{"id": bo["id"], "last_name": "Berg"}])
    shown = client.call("GET", f"contacts/{bo['id']}")
    assert (shown["first_name"], shown["last_name"]) == ("Bo", "Berg")
    client.call("DELETE", "contacts", [ann["id"], cy["id"]])
    with pytest.raises(OperationFailedError) as failed:
        client.call("GET", f"contacts/{ann['id']}")
    assert failed.value.status == 40403
    left = client.call("GET", "contacts")["contacts"]
    assert {each["id"] for each in left} == {bo["id"], ed["id"]}


@pytest.mark.parametrize("format_", FORMATS)
def test_views_are_updated_whenever_they_occur(dev: "Dev", format_: str) -> None:
    client = client_of(dev, f"views-{format_}", format_)
    items = [person("Ann", tags=["friend", "vip"], status="lead"), person("Bo", tags=["friend"])]
    ann, bo = client.call("POST", "contacts", items)["contacts"]
    assert client.view["tags"] == [{"name": "friend", "count": 2}, {"name": "vip", "count": 1}]
    assert {"name": "lead", "count": 1} in client.view["statuses"]
    client.call("DELETE", "contacts", [ann["id"]])
    assert client.view["tags"] == [{"name": "friend", "count": 1}]
    client.call("PATCH", "contacts", [{"id": bo["id"], "tags": []}])
    assert client.view["tags"] == []
    assert {each["count"] for each in client.view["statuses"]} == {0}
    client.call("POST", "deals", [{"title": name, "value": "10.10"} for name in ("a", "b")])
    sold = {"currency": "EUR", "stage": "lead", "count": 2, "value": "20.20"}
    assert client.view == {**client.view, "tags": [], "sales": [sold]}


def test_the_format_has_to_be_one_of_three(dev: "Dev") -> None:
    for format_ in ("xyz", "csv", "JSON"):
        client = client_of(dev, "formats", format_)
        with pytest.raises(NotAcceptableError):
            client.call("GET", "contacts")
        with pytest.raises(NotAcceptableError):
            client.call("POST", "contacts", [person("Ann")])
    assert client_of(dev, "formats", "json").call("GET", "contacts")["count"] == 0


def test_a_token_that_is_none(dev: "Dev") -> None:
    with pytest.raises(OperationFailedError) as failed:
        Client(dev.ready["url"], "nonsense", "yaml").call("GET", "contacts")
    assert failed.value.status == 40102


def test_what_is_sent_again_after_a_lost_connection_is_saved_once(dev: "Dev") -> None:
    made = dev.command("token", "create", "--account", "lost", "--dialect", "hash")
    token = made.stdout.strip()
    body = b'[{"email": "ann@example.com", "first_name": "Ann"}]'
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = HTTPConnection(dev.ready["url"].removeprefix("http://"), timeout=30)
    connection.request("POST", "/api/contacts.json", body, headers)
    connection.close()  # before any response is read
    client = Client(dev.ready["url"], token, "json")
    # The first request has saved the contact, is saving it, or never arrived.
    status = 0
    try:
        client.call("POST", "contacts", [person("Ann")])
    except OperationFailedError as failed:
        status = failed.status
    assert status in (0, 40903)
    assert client.call("GET", "contacts")["count"] == 1


@pytest.mark.parametrize("format_", FORMATS)
def test_restrictions_of_the_account(dev: "Dev", format_: str) -> None:
    account = f"small-{format_}"
    client = client_of(dev, account, format_)
    assert dev.command("quota", "set", "--account", account, "contacts", "2").returncode == 0
    made = client.call("POST", "contacts", [person("Ann"), person("Bo")])["contacts"]
    assert client.notifications == ["contacts_list_full"]
    # "Adding additional contacts or deals is not allowed and will be rejected by system."
    for resource, item in (("contacts", person("Cy")), ("deals", {"title": "t", "value": "1"})):
        with pytest.raises(OperationFailedError):
            client.call("POST", resource, [item])
        assert client.notifications == ["contacts_list_full"]
        assert client.call("GET", resource)["count"] == (2 if resource == "contacts" else 0)
    # "Any edit action on contacts … will be rejected. Only contact deletion is allowed."
    assert dev.command("quota", "set", "--account", account, "contacts", "1").returncode == 0
    with pytest.raises(OperationFailedError):
        client.call("PATCH", "contacts", [{"id": made[0]["id"], "age": 20}])
    assert "too_many_contacts" in client.notifications
    client.call("DELETE", "contacts", [made[0]["id"]])
    assert client.notifications == ["contacts_list_full"]
    client.call("DELETE", "contacts", [made[1]["id"]])
    assert client.notifications == []
