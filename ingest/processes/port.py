"""TCP ports: a free one, and one held for several processes that share it."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ingest.errors import ConfigurationError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port of the loopback interface that is free now."""
    return _unused(socket.AF_INET, LOOPBACK, 0)


@contextmanager
def reserved_port(host: str, port: int, *, shared: bool = False) -> Iterator[int]:
    """Hold a port for our API processes, and yield its number.

    The sockets are bound and never listen: the API processes, which share the port with
    SO_REUSEPORT, get every connection, and no other program can take the port while one of them
    is started again.

    Args:
        port: 0 for a free one.
        shared: whether other programs may listen there too, if they set SO_REUSEPORT.

    Raises:
        ConfigurationError: the port is taken, or cannot be listened on.
    """
    with ExitStack() as held:
        for family, address in _addresses(host, port):
            try:
                if not (shared and port):
                    port = _unused(family, address, port)
                holder = held.enter_context(_socket(family))
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                holder.bind((address, port))
            except OSError as error:
                raise _refusal(host, port, error) from error
        yield port


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host!r}: {error.strerror or error}") from error
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _unused(family: socket.AddressFamily, address: str, port: int) -> int:
    """The port, or a free one for 0; a bind without SO_REUSEPORT fails wherever others listen."""
    with _socket(family) as probe:
        if port:  # connections in TIME_WAIT do not matter
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        number: int = probe.getsockname()[1]
        return number


def _socket(family: socket.AddressFamily) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made


def _refusal(host: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"port {port} on {host} is taken; stop what listens there, or choose another "
            "with --port"
        )
    return ConfigurationError(f"cannot listen on {host} port {port}: {error.strerror or error}")
