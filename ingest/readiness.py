"""How a process reports that it accepts work, and that it stops: to its parent, and to systemd."""

import os
import socket

READY_FD = "INGEST_READY_FD"
"""Names the inherited file descriptor of the pipe that takes one byte; a process may have none."""
NOTIFY_SOCKET = "NOTIFY_SOCKET"
"""Names the socket on which systemd (`Type=notify`) waits; a process may have none."""


def announce() -> None:
    """Report that this process accepts work, where that is waited for; once is enough."""
    _notify("READY=1")
    descriptor = os.environ.pop(READY_FD, "")
    if not descriptor.isdigit():
        return
    try:
        os.write(int(descriptor), b"1")
        os.close(int(descriptor))
    except OSError:
        return  # the parent is gone


def stopping() -> None:
    """Report that this process stops, and may take a while to finish what it has."""
    _notify("STOPPING=1")


def _notify(state: str) -> None:
    """Send a state as sd_notify(3) does; who waits for it in vain decides what to do."""
    place = os.environ.get(NOTIFY_SOCKET, "")
    if not place.startswith(("/", "@")):
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(state.encode(), address)
    except OSError:
        return
