"""Processor time and peak memory of process trees."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil


def tree(pids: Iterable[int]) -> list[psutil.Process]:
    """The processes and all that they have started; those that have just ended are left out."""
    found: list[psutil.Process] = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            found += [root, *root.children(recursive=True)]
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time of process trees, of children that have ended included; in steps of 10 ms."""
    total = 0.0
    for process in tree(pids):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def forget_peak(pids: Iterable[int]) -> None:
    """Let the peak memory of process trees begin at what they use now."""
    for process in tree(pids):
        # Only Linux knows a peak; other systems show what is used when it is asked for.
        with contextlib.suppress(OSError):
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def peak_bytes(pids: Iterable[int]) -> int:
    """The most resident memory of process trees since `forget_peak`, each process's own peak added.

    Without what they share, as PostgreSQL's processes share its buffers.
    """
    total = 0
    for process in tree(pids):
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            total += _peak(process)
    return total


def _peak(process: psutil.Process) -> int:
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except FileNotFoundError:
        return process.memory_info().rss
    fields = dict(line.split(":", 1) for line in status.splitlines())
    if "VmHWM" not in fields:  # a process that has ended
        return 0
    peak, shared = (int(fields[name].split()[0]) for name in ("VmHWM", "RssShmem"))
    return max(peak - shared, 0) * 1024


class Meter:
    """Processor time and peak memory of the parts of something, from here on.

    Args:
        parts: process ids by the name of the part.
    """

    def __init__(self, parts: Mapping[str, list[int]]) -> None:
        self._parts = parts
        for pids in parts.values():
            forget_peak(pids)
        self._before = {name: cpu_seconds(pids) for name, pids in parts.items()}

    def cpu(self) -> dict[str, float]:
        """Seconds of processor time of each part."""
        return {name: cpu_seconds(pids) - self._before[name] for name, pids in self._parts.items()}

    def peaks(self) -> dict[str, int]:
        """Bytes of peak memory of each part."""
        return {name: peak_bytes(pids) for name, pids in self._parts.items()}
