"""What a killed process left running."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

_POLL = 0.02  # seconds


def stop_orphans(name: str, folder: Path, number: signal.Signals, timeout: float) -> None:
    """Stop every process called `name` that works in `folder`, and wait until all are gone.

    Whoever calls this holds the folder's lock, so these are what a killed process left running.
    After `timeout` seconds they are killed.
    """
    orphans = _working_in(name, folder)
    for orphan in orphans:
        _signal(orphan, number)
    stubborn = _wait(orphans, timeout)
    for orphan in stubborn:
        _signal(orphan, signal.SIGKILL)
    _wait(stubborn, timeout)


def _working_in(name: str, folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] != name:
            continue
        try:
            if Path(process.cwd()) == folder:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # gone by now, or another user's and so not ours
    return found


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _wait(processes: Sequence[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Wait until processes have ended; those that have not after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    left = [process for process in processes if _runs(process)]
    while left and time.monotonic() < deadline:
        time.sleep(_POLL)
        left = [process for process in left if _runs(process)]
    return left


def _runs(process: psutil.Process) -> bool:
    """Whether a process has not ended; its new parent may take its time to ask how it ended."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
