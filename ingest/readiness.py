"""How a process reports to its parent that it accepts work."""

import os

READY_FD = "INGEST_READY_FD"
"""Names the inherited file descriptor of the pipe that takes one byte; a process may have none."""


def announce() -> None:
    """Report that this process accepts work, if its parent waits for that; once is enough."""
    descriptor = os.environ.pop(READY_FD, "")
    if not descriptor.isdigit():
        return
    try:
        os.write(int(descriptor), b"1")
        os.close(int(descriptor))
    except OSError:
        return  # the parent is gone
