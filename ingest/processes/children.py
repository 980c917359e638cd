"""Child processes that leave nothing behind."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """What a child calls before it runs its program, so that it gets a signal when we are killed.

    For `Popen(preexec_fn=…)`, which calls it after the change of user that would undo it. "We" is
    the thread that starts the child: it must live as long as the child should. Only Linux offers
    this; elsewhere it is None, and what a killed process left running is stopped at the next start.
    """
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    library = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        library.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # killed before the request
            os._exit(1)

    return ask


def signal_session(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a child that leads its own session, and every process of its group."""
    if process.poll() is None:
        os.killpg(process.pid, number)
