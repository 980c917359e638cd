"""How a process signals the one that started it that it accepts work."""

import os

READY_FD = "INGEST_READY_FD"
"""Names the inherited file descriptor of a pipe that wants one byte; a process may have none."""


def announce() -> None:
    """Signal the process that started this one, if it waits; a second call does nothing."""
    descriptor = os.environ.pop(READY_FD, None)
    if descriptor is None:
        return
    try:
        os.write(int(descriptor), b"1")
        os.close(int(descriptor))
    except OSError:
        return  # the process that waited is gone
