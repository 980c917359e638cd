"""A client that was written from document 001 alone, through a day's work."""

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.acceptance.clients.rpc_client import Profiles, Refused

if TYPE_CHECKING:
    from conftest import Dev

pytestmark = pytest.mark.timeout(240)
CONTACTS = 1
"""The `db_id` of the bundled contacts."""
NOT_FOUND = 404
LATER = 500


def token_of(dev: "Dev", account: str) -> str:
    made = dev.command("token", "create", "--account", account)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def client_of(dev: "Dev", account: str) -> Profiles:
    """A client with a token of an account of its own."""
    return Profiles(dev.ready["url"], token_of(dev, account), db_id=CONTACTS)


def refusal(profiles: Profiles, method: str, **parameters: object) -> int:
    with pytest.raises(Refused) as refused:
        profiles.call(method, **parameters)
    return refused.value.error


def test_a_day_of_work(dev: "Dev") -> None:
    profiles = client_of(dev, "rpc-day")
    ann = profiles.save("ann@example.com", first_name="Ann", age=41)
    bo = profiles.save("bo@example.com", first_name="Bo")
    assert ann != bo
    assert profiles.read(ann)["age"] == 41

    # Correct one, and find it again by its address.
    assert profiles.save("ann@example.com", first_name="Anna") == ann
    found = profiles.call("profiles/get", matching="email", email="ann@example.com")
    assert found["profile_id"] == ann
    assert (found["data"]["first_name"], found["data"]["age"]) == ("Anna", 41)

    # What is wrong is named.
    with pytest.raises(Refused, match=r"450: email: .*") as refused:
        profiles.save("nonsense", first_name="Cy")
    assert refused.value.error == 450
    taken = {"email": "bo@example.com"}
    assert refusal(profiles, "profiles/update", profile_id=ann, data=taken) == 409

    profiles.delete(ann)
    assert refusal(profiles, "profiles/get", profile_id=ann) == 404
    assert profiles.read(bo)["first_name"] == "Bo"


def test_many_at_once(dev: "Dev") -> None:
    profiles = client_of(dev, "rpc-many")
    items = [{"email": f"c{number}@example.com", "first_name": "C"} for number in range(50)]
    result = profiles.call("profiles/import_batch", matching="email", data=items)["result"]
    assert len({each["profile_id"] for each in result}) == 50
    keys = [{"profile_id": each["profile_id"]} for each in result]
    profiles.call("profiles/delete_batch", data=keys)
    assert refusal(profiles, "profiles/get", profile_id=result[0]["profile_id"]) == 404


def test_xml(dev: "Dev") -> None:
    profiles = client_of(dev, "rpc-xml")
    body = (
        f"<request><token>{token_of(dev, 'rpc-xml')}</token><db_id>{CONTACTS}</db_id>"
        "<matching>email</matching><email>EMAIL</email>"
        "<data><first_name>Ann</first_name><age>41</age></data></request>"
    )
    saved = body.replace("EMAIL", "ann@example.com")
    assert profiles.call_in_xml("profiles/import", saved) == (0, "Successful operation")
    error, text = profiles.call_in_xml("profiles/import", body.replace("EMAIL", "x"))
    assert (error, text[:7]) == (450, "email: ")
    found = profiles.call("profiles/get", matching="email", email="ann@example.com")
    assert found["data"]["age"] == 41


def test_what_is_sent_again_after_a_lost_connection_is_saved_once(dev: "Dev") -> None:
    token = token_of(dev, "rpc-lost")
    profiles = Profiles(dev.ready["url"], token, db_id=CONTACTS)
    body = json.dumps(
        {
            "token": token,
            "db_id": CONTACTS,
            "data": {"email": "ann@example.com", "first_name": "Ann"},
        }
    )
    address = urlsplit(dev.ready["url"])
    head = (
        f"POST /api/v1.1/profiles/add HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall((head + body).encode())
    # The answer is lost; the request is sent again, and again.
    answers = iter(lambda: json.loads(profiles.send("profiles/add", body))["error"], None)
    assert next(each for each in answers if each != LATER) in (0, 409)
    assert next(answers) == 409
    # 409 says that the first was accepted: its commit may still be on its way.
    wanted = {"token": token, "db_id": CONTACTS, "matching": "email", "email": "ann@example.com"}
    found = iter(lambda: json.loads(profiles.send("profiles/get", json.dumps(wanted))), None)
    assert next(each for each in found if each["error"] != NOT_FOUND)["profile_id"]


def test_a_tariff_limit(dev: "Dev") -> None:
    profiles = client_of(dev, "rpc-limit")
    assert dev.command("quota", "set", "--account", "rpc-limit", "contacts", "1").returncode == 0
    profiles.save("ann@example.com", first_name="Ann")
    bo = {"email": "bo@example.com", "first_name": "Bo"}
    assert refusal(profiles, "profiles/add", data=bo) == 402


def test_no_token_no_method_no_database(dev: "Dev") -> None:
    unknown = Profiles(dev.ready["url"], "nonsense", db_id=CONTACTS)
    assert refusal(unknown, "profiles/get", profile_id="1") == 401
    profiles = client_of(dev, "rpc-errors")
    assert refusal(profiles, "profiles/praise", profile_id="1") == 501
    assert refusal(profiles, "profiles/get", db_id=99, profile_id="1") == 413
    assert refusal(profiles, "profiles/get", resource_id=9, profile_id="1") == 413
