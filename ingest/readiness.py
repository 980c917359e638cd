"""How a process tells the one that started it that it accepts work."""

import os

READY_FD = "INGEST_READY_FD"
"""Names the inherited file descriptor of a pipe that wants one byte; a process may have none."""


def announce() -> None:
    """Say that this process accepts work now, if somebody waits for it; the second call is idle."""
    descriptor = os.environ.pop(READY_FD, None)
    if descriptor is None:
        return
    try:
        os.write(int(descriptor), b"1")
        os.close(int(descriptor))
    except OSError:
        return  # whoever waited is gone
