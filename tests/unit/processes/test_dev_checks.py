"""`ingest dev` before anything is started: its checks, and what it prints."""

import json
import os
import shlex
import socket
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from ingest import Resource
from ingest.errors import ConfigurationError
from ingest.examples import airports, contacts, deals
from ingest.processes.dev.checks import check_ready_file
from ingest.processes.dev.example import example_item
from ingest.processes.dev.greeting import greeting
from ingest.processes.dev.session import _absolute, _url
from ingest.processes.ports import reserved_port
from ingest.readiness import READY_FD, announce
from ingest.resources.registry import Registry

HOST = "127.0.0.1"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody who listens on a port and would share it."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((HOST, 0))
        sock.listen()
        yield sock


def test_a_reserved_port_can_still_be_shared_and_listened_on() -> None:
    with reserved_port(HOST, 0) as port, socket.socket() as api:
        api.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        api.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        api.bind((HOST, port))
        api.listen()
        with socket.create_connection((HOST, port), timeout=5):
            connection, _ = api.accept()
            connection.close()


def test_a_port_where_somebody_listens_is_taken(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with (
        pytest.raises(ConfigurationError, match=f"port {port} on {HOST} is taken"),
        reserved_port(HOST, port),
    ):
        pass


def test_a_reserved_port_is_taken_for_the_next() -> None:
    with (
        reserved_port(HOST, 0) as port,
        pytest.raises(ConfigurationError, match="taken"),
        reserved_port(HOST, port),
    ):
        pass


def test_a_name_of_several_addresses_gets_one_port() -> None:
    with reserved_port("localhost", 0) as port:
        assert port > 0


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with (
        pytest.raises(ConfigurationError, match=f"cannot listen on .*{host}"),
        reserved_port(host, 0),
    ):
        pass


def test_an_old_ready_file_is_removed(tmp_path: Path) -> None:
    (tmp_path / "ready").write_text("{}")
    check_ready_file(tmp_path / "ready")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["missing/ready", "."])
def test_a_ready_file_that_cannot_be_written_is_named(path: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the ready file"):
        check_ready_file(tmp_path / path)


@pytest.mark.parametrize("resource", [airports, contacts, deals], ids=lambda each: each.name)
def test_bundled_resources_have_a_valid_example(resource: Resource) -> None:
    example = example_item(resource)
    assert example is not None
    assert resource.schema.validate(example) == {}


class Colour(Enum):
    RED = 1


class ManySchema(Schema):
    """Fields of many kinds."""

    a = fields.String(required=True, validate=validate.OneOf(["x", "y"]))
    b = fields.Enum(Colour, required=True)
    c = fields.Enum(Colour, by_value=True, required=True)
    d = fields.UUID(required=True, data_key="dId")
    e = fields.AwareDateTime(required=True)
    f = fields.NaiveDateTime(required=True)
    g = fields.Date(required=True)
    h = fields.Time(required=True)
    i = fields.Decimal(required=True, validate=validate.Range(min=5))
    j = fields.IPv6(required=True)
    k = fields.List(fields.Integer(), required=True)
    m = fields.Boolean(required=True)
    n = fields.String(required=True, validate=validate.Length(equal=2))
    optional = fields.Integer()


class PickySchema(Schema):
    a = fields.String(required=True, validate=validate.Equal("no one would guess"))


class StubbornSchema(Schema):
    a = fields.Integer(required=True)

    @validates_schema
    def refuse(self, data: dict[str, Any], **_: Any) -> None:
        raise ValidationError("never")


class CrashingSchema(Schema):
    a = fields.Integer(required=True)

    @validates_schema
    def crash(self, data: dict[str, Any], **_: Any) -> None:
        raise ZeroDivisionError


def test_an_example_has_the_required_fields_under_their_data_keys() -> None:
    example = example_item(Resource("many", ManySchema))
    assert example is not None
    assert sorted(example) == [*"abc", "dId", *"efghijkmn"]
    assert (example["a"], example["b"], example["c"]) == ("x", "RED", 1)


@pytest.mark.parametrize("schema", [PickySchema, StubbornSchema, CrashingSchema])
def test_a_schema_that_takes_nothing_has_no_example(schema: type[Schema]) -> None:
    assert example_item(Resource("many", schema)) is None


def test_the_greeting_has_a_line_to_paste(tmp_path: Path) -> None:
    shown = greeting("http://h:1", "secret", Registry([airports, deals]), tmp_path)
    assert str(tmp_path) in shown
    assert "http://h:1/v1/deals" in shown
    (line,) = [line for line in shown.splitlines() if "curl" in line]
    words = shlex.split(line)
    assert words[2] == "http://h:1/v1/airports"
    assert "Authorization: Bearer secret" in words
    assert json.loads(words[-1])[0]["iata"] == "BER"


def test_the_greeting_lists_where_no_item_can_be_made_up(tmp_path: Path) -> None:
    shown = greeting("http://h:1", "t", Registry([Resource("picky", PickySchema)]), tmp_path)
    assert " -d " not in shown


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("localhost", "http://localhost:80"),
    ],
)
def test_the_url_is_one_that_this_machine_can_reach(host: str, url: str) -> None:
    assert _url(host, 80) == url


def test_a_file_of_resources_is_handed_on_with_its_whole_path() -> None:
    assert _absolute("crm") == "crm"
    assert _absolute("./crm.py") == str(Path("crm.py").absolute())


def test_announcing_writes_one_byte_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    monkeypatch.setenv(READY_FD, str(write))
    announce()
    announce()
    assert os.read(read, 10) == b"1"
    assert os.read(read, 10) == b""
    os.close(read)


def test_announcing_to_nobody_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(READY_FD, raising=False)
    announce()
