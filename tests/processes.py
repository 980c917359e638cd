"""What runs on this machine, for tests that start processes and kill them."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psutil

from ingest.processes.part import Part

_Part = TypeVar("_Part", bound=Part)


@contextmanager
def running(part: _Part) -> Iterator[_Part]:
    """Run a part for synchronous code; the calling thread must live as long as the block."""
    asyncio.run(part.start())
    try:
        yield part
    finally:
        asyncio.run(part.stop())


def clean_environment() -> dict[str, str]:
    """Ours, without the service's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("INGEST_")}


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not reaped does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def processes_in(folder: Path) -> list[psutil.Process]:
    """Every process that works in `folder` or below."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):  # ending
            continue
    return found
