"""Servers that a killed process left running."""

import contextlib
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

_POLL = 0.02  # seconds


def stop_orphans(name: str, folder: Path, number: signal.Signals, timeout: float) -> None:
    """Stop every process called `name` that works in `folder`, whose lock the caller holds.

    Each gets the signal `number`, and is killed after `timeout` seconds.
    """
    orphans = [each for each in psutil.process_iter() if _works_in(each, name, folder)]
    for each in (number, signal.SIGKILL):
        for orphan in orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.send_signal(each)
        orphans = _wait(orphans, timeout)


def _works_in(process: psutil.Process, name: str, folder: Path) -> bool:
    try:
        return process.name() == name and Path(process.cwd()) == folder
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False  # ended, or another user's


def _wait(processes: Sequence[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Wait until processes have ended; those that have not after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while (left := [each for each in processes if _runs(each)]) and time.monotonic() < deadline:
        time.sleep(_POLL)
    return left


def _runs(process: psutil.Process) -> bool:
    """Whether a process has not ended; its new parent may be slow to reap it."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
