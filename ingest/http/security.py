"""What is decided about every request before it is read: its host, its size, whose it is.

And what every response says to browsers, for which no answer of this service is meant.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from typing import Any

from aiohttp import web

from ingest.errors import ConfigurationError

MAX_LINE = 8190
"""The longest request line, and so the longest path with its query, in bytes."""
MAX_FIELD = 8190
"""The longest header, in bytes."""
MAX_FIELDS = 128
"""The most headers of one request."""
IDLE = 75.0
"""Seconds that a connection may take to send the next request's headers; proxies idle for 60."""

SERVER_OPTIONS: dict[str, Any] = {
    "max_line_size": MAX_LINE,
    "max_field_size": MAX_FIELD,
    "max_headers": MAX_FIELDS,
    "keepalive_timeout": IDLE,
}
"""How aiohttp's server is set up."""

SECURE_HEADERS = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
)
"""Headers of every response that does not say otherwise."""

SERVER = "ingest"
"""What the `Server` header says: nothing of the versions behind it."""

Networks = tuple[IPv4Network | IPv6Network, ...]
_Address = IPv4Address | IPv6Address

_LABELS = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
# [version 6]:port, version 4:port, or either without a port.
_HOP = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9.]+)(?::\d+)?|([0-9A-Fa-f:.]+)")


def is_known_host(host: str, hosts: Iterable[str]) -> bool:
    """Whether requests for a host are served; without `hosts`, those for any are."""
    name = host.lower()
    bare = name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() else name
    return not hosts or any(
        each in (bare, name) or (each.startswith("*.") and _is_below(bare, each[2:]))
        for each in hosts
    )


def client_address(request: web.Request, proxies: Networks) -> str:
    """Where a request comes from: the last address of the chain that is no trusted proxy."""
    remote = request.remote or ""
    if not proxies:
        return remote
    address = _address(remote)
    if address is None or not _is_in(address, proxies):
        return remote
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
    for text in reversed([part for part in forwarded.split(",") if part.strip()]):
        hop = _address(text.strip())
        if hop is None:
            break  # a proxy that writes nonsense is asked no further
        address = hop
        if not _is_in(hop, proxies):
            break
    return str(address)


def parse_hosts(text: str) -> frozenset[str]:
    """`INGEST_ALLOWED_HOSTS`: names separated by commas; `*.example.com` stands for any below."""
    return frozenset(host.strip().lower() for host in text.split(",") if host.strip())


def parse_networks(text: str) -> Networks:
    """`INGEST_TRUSTED_PROXIES`: addresses and networks, separated by commas.

    Raises:
        ConfigurationError: names what is neither.
    """
    networks = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            networks.append(ip_network(part))
        except ValueError as error:
            raise ConfigurationError(f"INGEST_TRUSTED_PROXIES: {error}") from error
    return tuple(networks)


def _is_below(name: str, domain: str) -> bool:
    below = name.removesuffix(f".{domain}")
    return below != name and _LABELS.fullmatch(below) is not None


def _address(text: str) -> _Address | None:
    """The address that a proxy or a connection names; some write a port, and brackets, with it."""
    match = _HOP.fullmatch(text)
    if match is None:
        return None
    try:
        address = ip_address(next(filter(None, match.groups())))
    except ValueError:
        return None
    # A socket for both versions writes addresses of version 4 so.
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: _Address, networks: Networks) -> bool:
    return any(address in network for network in networks)
