"""Addresses to listen on: how this machine reaches them, and what to say where they fail."""

import errno

from ingest.errors import ConfigurationError


def refused(host: str, port: int, error: OSError) -> ConfigurationError:
    """The error for whoever chose the address."""
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"port {port} on {host} is taken; stop what listens there, or choose another with "
            "--port"
        )
    return ConfigurationError(f"cannot listen on {host} port {port}: {error.strerror or error}")


def local_url(host: str, port: int) -> str:
    """Where this machine reaches what listens on `host`."""
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
