"""A client that was written from document 004 alone, through a day's work."""

import json
import re
from collections.abc import Callable
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.clients.data_client import (
    Client,
    ForbiddenError,
    InvalidRequestError,
    MissingAuthenticationError,
)

if TYPE_CHECKING:
    from conftest import Dev

pytestmark = pytest.mark.timeout(240)


def token_of(dev: "Dev", account: str, *options: str) -> str:
    """A token of an account of its own, which has the dialect."""
    made = dev.command("token", "create", "--account", account, "--dialect", "data", *options)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def client_of(dev: "Dev", account: str, *options: str) -> Client:
    return Client(f"{dev.ready['url']}/v1", token_of(dev, account, *options))


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"email": f"{name.lower()}@example.com", "first_name": name, **more}


def test_a_day_of_work(dev: "Dev") -> None:
    client = client_of(dev, "data-day")
    assert list(client.everything("contacts")) == []

    # One object gives one object, a list of objects gives a list.
    ann = client.create("contacts", person("Ann", age=41))
    assert (ann["first_name"], ann["age"]) == ("Ann", 41)
    bo, cy = client.create("contacts", [person("Bo"), person("Cy")])
    assert (bo["first_name"], cy["first_name"]) == ("Bo", "Cy")

    # Invalid request data; what is corrected is taken.
    with pytest.raises(InvalidRequestError) as refused:
        client.create("contacts", {"email": "x", "first_name": "Di"})
    assert refused.value.body["data"] is None
    assert re.fullmatch(r"[0-9a-f]{32}", refused.value.trace_id)
    di = client.create("contacts", person("Di"))

    # "Only properties that are provided in the request will be changed."
    changed = client.update(f"contacts/{ann['id']}", {"last_name": "Berg"})
    assert changed == {**ann, "last_name": "Berg"}
    assert client.get(f"contacts/{ann['id']}") == changed
    updates = [{"id": bo["id"], "age": 30}, {"id": cy["id"], "age": 31}]
    assert [each["age"] for each in client.update("contacts", updates)] == [30, 31]

    # "Information about when the item was created and modified in a meta property."
    listed = client.get("contacts", select="meta")
    assert all({"createdAt", "updatedAt"} <= each["meta"].keys() for each in listed)
    assert not any("meta" in each for each in client.get("contacts"))
    assert not any("meta" in each for each in client.get("contacts", select="-meta"))

    assert client.delete(f"contacts/{ann['id']}") == changed
    assert [each["id"] for each in client.delete("contacts", [bo["id"]])] == [bo["id"]]
    assert {each["id"] for each in client.everything("contacts")} == {cy["id"], di["id"]}
    with pytest.raises(InvalidRequestError):
        client.get(f"contacts/{ann['id']}")
    with pytest.raises(InvalidRequestError):
        client.update(f"contacts/{ann['id']}", {"age": 1})


def test_the_document_s_example_of_a_list(dev: "Dev") -> None:
    """ "In this example, 1,000 items are returned but there are 1,543 more." """
    client = client_of(dev, "data-pages")
    client.create("contacts", [person(f"P{number}") for number in range(2543)])
    assert len(client.get("contacts", limit=1000)) == 1000
    assert client.pagination["total"] == 1000 + 1543
    assert len({each["id"] for each in client.everything("contacts")}) == 2543
    with pytest.raises(InvalidRequestError):
        client.get("contacts", limit=1001)


def test_authentication(dev: "Dev") -> None:
    with pytest.raises(MissingAuthenticationError):
        Client(f"{dev.ready['url']}/v1", None).get("contacts")
    reader = client_of(dev, "data-reader", "--role", "reader")
    assert reader.get("contacts") == []
    with pytest.raises(ForbiddenError):
        reader.create("contacts", person("Ann"))
    with pytest.raises(ForbiddenError):
        reader.update("contacts", [])


def test_an_account_that_is_full(dev: "Dev") -> None:
    client = client_of(dev, "data-small")
    assert dev.command("quota", "set", "--account", "data-small", "contacts", "1").returncode == 0
    ann = client.create("contacts", person("Ann"))
    with pytest.raises(ForbiddenError):
        client.create("contacts", person("Bo"))
    assert [each["id"] for each in client.get("contacts")] == [ann["id"]]


def test_what_is_sent_again_after_a_lost_connection_is_saved_once(dev: "Dev") -> None:
    token = token_of(dev, "data-lost")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection = HTTPConnection(dev.ready["url"].removeprefix("http://"), timeout=30)
    connection.request("POST", "/v1/contacts", json.dumps(person("Ann")), headers)
    connection.close()  # before any response is read
    client = Client(f"{dev.ready['url']}/v1", token)
    # The first request has saved the contact, is saving it, or never arrived.
    error = "duplicate"
    try:
        client.create("contacts", person("Ann"))
    except InvalidRequestError as refused:
        error = refused.body["error"]["name"]
    assert error == "duplicate"
    [ann] = client.get("contacts")
    change = {"last_name": "Berg"}
    first, second = (client.update(f"contacts/{ann['id']}", change) for _ in range(2))
    assert first == second == {**ann, **change}


def test_a_client_that_is_throttled_goes_on_later(start_dev: Callable[..., "Dev"]) -> None:
    dev = start_dev(INGEST_RATE_LIMIT="5/second").wait_ready()
    client = client_of(dev, "data-fast")
    for number in range(12):
        client.create("contacts", person(f"P{number}"))
    assert client.throttled > 0
    assert len(client.get("contacts")) == 12
    dev.stop()
