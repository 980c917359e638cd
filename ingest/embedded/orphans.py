"""What a killed process left running."""

import signal
from pathlib import Path

import psutil


def stop_orphans(name: str, folder: Path, number: signal.Signals, timeout: float) -> None:
    """Stop every process called `name` that works in `folder`, and wait until all are gone.

    Whoever calls this holds the folder's lock, so these are what a killed process left running.
    After `timeout` seconds they are killed.
    """
    orphans = _working_in(name, folder)
    for orphan in orphans:
        _signal(orphan, number)
    _, stubborn = psutil.wait_procs(orphans, timeout=timeout)
    for orphan in stubborn:
        _signal(orphan, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=timeout)


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
