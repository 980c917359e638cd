"""Ports: held for processes that share them, refused where another program listens."""

import socket
from collections.abc import Iterator

import pytest

from ingest.errors import ConfigurationError
from ingest.processes.port import free_port, reserved_port

HOST = "127.0.0.1"


def test_a_free_port_can_be_listened_on() -> None:
    socket.create_server((HOST, free_port())).close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that listens on a port and would share it."""
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


def test_a_port_that_is_listened_on_is_taken(listener: socket.socket) -> None:
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
