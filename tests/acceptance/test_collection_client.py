"""A client that was written from document 003 alone, through a day's work."""

from functools import partial
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.clients.collection_client import Client, FailureError, FatalError

if TYPE_CHECKING:
    from conftest import Dev

pytestmark = pytest.mark.timeout(240)
MISSING = "01a20000-0000-7000-8000-000000000000"


def token_of(dev: "Dev", account: str, *options: str) -> str:
    """A token that has the dialect, of an account of its own."""
    made = dev.command("token", "create", "--account", account, "--dialect", "collection", *options)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def client_of(dev: "Dev", account: str, *options: str) -> Client:
    return Client(dev.ready["url"], token_of(dev, account, *options))


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"email": f"{name.lower()}@example.com", "first_name": name, **more}


def names(client: Client) -> list[str]:
    return sorted(item["first_name"] for page in client.pages("contacts", 100) for item in page)


def test_a_day_of_work(dev: "Dev") -> None:
    client = client_of(dev, "003-day")
    assert names(client) == []
    ann, bo, cy = client.send(
        "POST", "contacts", [person("Ann", age=41), person("Bo"), person("Cy")]
    )
    assert (ann["email"], ann["age"]) == ("ann@example.com", 41)

    # Some are wrong: none is saved. They are corrected by their indices, and all sent again.
    items = [person("Di"), {"email": "x"}, person("Ed"), person("Ann")]
    with pytest.raises(FailureError) as failed:
        client.send("POST", "contacts", items)
    assert names(client) == ["Ann", "Bo", "Cy"]
    assert 1 not in failed.value.valid
    wrong = {each.index: each for each in failed.value.invalid}
    assert wrong[1].raw_data == {"email": "x"}
    assert {error.field for error in wrong[1].errors} == {"email", "first_name"}
    assert {error.type for error in wrong[1].errors} == {"validation"}
    items[1] |= person("Flo")
    with pytest.raises(FailureError) as failed:
        client.send("POST", "contacts", items)
    [taken] = failed.value.invalid
    assert (taken.index, taken.raw_data) == (3, person("Ann"))
    assert [(error.type, error.field) for error in taken.errors] == [("content", "email")]
    assert failed.value.valid == [0, 1, 2]
    saved = client.send("POST", "contacts", items[:3])
    assert [item["first_name"] for item in saved] == ["Di", "Flo", "Ed"]

    # Pages.
    pages = list(client.pages("contacts", 4))
    assert [len(page) for page in pages] == [4, 2]

    # Change, read, delete.
    [changed] = client.send("PATCH", "contacts", [{"id": bo["id"], "last_name": "Berg"}])
    assert changed == client.item(f"contacts/{bo['id']}")
    assert (changed["first_name"], changed["last_name"]) == ("Bo", "Berg")
    gone = client.send("DELETE", "contacts", [cy["id"], ann["id"]])
    assert [item["id"] for item in gone] == [cy["id"], ann["id"]]
    with pytest.raises(FatalError) as refused:
        client.item(f"contacts/{ann['id']}")
    assert refused.value.status == 404
    assert names(client) == ["Bo", "Di", "Ed", "Flo"]
    assert client.send("POST", "contacts", []) == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_an_item_that_does_not_exist(dev: "Dev", method: str) -> None:
    client = client_of(dev, f"003-missing-{method.lower()}")
    [ann] = client.send("POST", "contacts", [person("Ann")])
    with pytest.raises(FailureError) as failed:
        client.send(method, "contacts", [{"id": ann["id"]}, {"id": MISSING}])
    [missing] = failed.value.invalid
    assert (missing.index, missing.raw_data, failed.value.valid) == (1, {"id": MISSING}, [0])
    assert names(client) == ["Ann"]


def test_each_status_of_the_document(dev: "Dev") -> None:
    client = client_of(dev, "003-statuses")
    reader = client_of(dev, "003-statuses", "--role", "reader")
    wrong = Client(dev.ready["url"], "nonsense")
    for status, type_, of, method, path in (
        (401, "permission", wrong, "GET", "contacts"),
        (403, "permission", reader, "POST", "contacts"),
        (404, "client", client, "GET", "nothing"),
        (404, "content", client, "GET", f"contacts/{MISSING}"),
        (404, "client", client, "GET", "nothing/at/all"),
        (405, "client", client, "POST", "batches"),
        (400, "client", client, "POST", "contacts?nothing=1"),
    ):
        send = partial(of.send, method, items=[person("Ann")])
        with pytest.raises(FatalError) as refused:
            (of.item if method == "GET" else send)(path)
        assert (refused.value.status, refused.value.error.type) == (status, type_), path
    assert names(client) == []


def test_what_is_sent_again_after_a_lost_connection_is_saved_once(dev: "Dev") -> None:
    token = token_of(dev, "003-lost")
    connection = HTTPConnection(dev.ready["url"].removeprefix("http://"), timeout=30)
    connection.request(
        "POST",
        "/v1/contacts",
        b'[{"email": "ann@example.com", "first_name": "Ann"}]',
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    connection.close()  # before any response is read
    client = Client(dev.ready["url"], token)
    # The first request has saved the contact, is saving it, or never arrived.
    try:
        client.send("POST", "contacts", [person("Ann")])
    except FailureError as failed:
        [taken] = failed.invalid
        assert [(error.type, error.field) for error in taken.errors] == [("content", "email")]
    assert names(client) == ["Ann"]


def test_a_limit_of_the_account(dev: "Dev") -> None:
    client = client_of(dev, "003-small")
    assert dev.command("quota", "set", "--account", "003-small", "contacts", "2").returncode == 0
    ann, _ = client.send("POST", "contacts", [person("Ann"), person("Bo")])
    with pytest.raises(FatalError) as refused:
        client.send("POST", "contacts", [person("Cy")])
    assert (refused.value.status, refused.value.error.type) == (403, "permission")
    assert refused.value.error.description
    assert names(client) == ["Ann", "Bo"]
    client.send("DELETE", "contacts", [ann["id"]])
    client.send("POST", "contacts", [person("Cy")])
    assert names(client) == ["Bo", "Cy"]
