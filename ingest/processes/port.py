"""TCP ports: a free one, and one held for several processes that share it."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ingest.listening import refused

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port of the loopback interface that is free now."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        number: int = probe.getsockname()[1]
        return number


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
        try:
            for family, address in _addresses(host, port):
                holder = held.enter_context(socket.socket(family, socket.SOCK_STREAM))
                port = _hold(holder, address, port, shared=shared and port != 0)
        except OSError as error:
            raise refused(host, port, error) from error
        yield port


def _addresses(host: str, port: int) -> dict[tuple[socket.AddressFamily, str], None]:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found)


def _hold(holder: socket.socket, address: str, port: int, *, shared: bool) -> int:
    if holder.family == socket.AF_INET6:
        holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    # Bound without SO_REUSEPORT, it fails wherever others listen; connections in TIME_WAIT do not
    # matter. What binds afterwards is held against the options that are set then.
    before = socket.SO_REUSEPORT if shared else socket.SO_REUSEADDR
    holder.setsockopt(socket.SOL_SOCKET, before, 1)
    holder.bind((address, port))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    number: int = holder.getsockname()[1]
    return number
