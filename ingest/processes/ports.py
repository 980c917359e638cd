"""A port that several processes listen on, held for them by the one that supervises them."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ingest.errors import ConfigurationError


@contextmanager
def reserved_port(host: str, port: int, *, shared: bool = False) -> Iterator[int]:
    """Hold a TCP port for our API processes, and give its number.

    The sockets are bound and never listen: the API processes, which share the port with
    SO_REUSEPORT, get every connection, and nobody else can take the port while one of them
    is started again.

    Args:
        port: 0 for a free one.
        shared: whether others may listen there too, if they allow it as we do.

    Raises:
        ConfigurationError: somebody else listens there, or nobody can.
    """
    with ExitStack() as held:
        for family, address in _addresses(host, port):
            with _clear_refusal(host, port):
                number = port or _free_port(family, address)
                if not shared:
                    _check_unused(family, address, number)
                holder = held.enter_context(socket.socket(family, socket.SOCK_STREAM))
                _only_version_6(holder)
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                holder.bind((address, number))
                port = number
        yield port


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host!r}: {error.strerror or error}") from error
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _free_port(family: socket.AddressFamily, address: str) -> int:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        number: int = probe.getsockname()[1]
        return number


def _check_unused(family: socket.AddressFamily, address: str, port: int) -> None:
    """Bind without SO_REUSEPORT, which fails where anybody listens, whatever they allow."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        _only_version_6(probe)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT
        probe.bind((address, port))


def _only_version_6(bound: socket.socket) -> None:
    if bound.family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


@contextmanager
def _clear_refusal(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"port {port} on {host} is taken; stop what listens there, or choose another "
                "with --port"
            ) from error
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error.strerror or error}"
        ) from error
