"""What to say of an address that cannot be listened on."""

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
