"""How far a load is, on standard error: a bar on a terminal, else a line now and then."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich import progress

_EVERY = 10.0  # seconds between two lines
_NOTES_EVERY = 2.0  # seconds between two notes: many requests may fail for one reason


class Progress:
    """A line every few seconds, and notes."""

    def __init__(self, size: int, every: float) -> None:
        """
        Args:
            size: of the file, in bytes.
            every: seconds between two lines.
        """
        self._size = size
        self._every = every
        self._began = self._last = time.monotonic()
        self._last_note = 0.0

    def at(self, place: int, rows: int | None) -> None:
        """Show that `place` bytes of the file, and `rows` rows (where that is known), are done."""
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            share = 100 * place // self._size if self._size else 100
            self._print(", ".join(filter(None, (f"{share} %", self._rate(rows)))))

    def note(self, text: str) -> None:
        """Show what happened."""
        now = time.monotonic()
        if now - self._last_note >= _NOTES_EVERY:
            self._last_note = now
            self._print(text)

    def _print(self, text: str) -> None:
        click.echo(f"ingest: {text}", err=True)

    def _rate(self, rows: int | None) -> str:
        if rows is None:
            return ""
        return f"{rows:,} rows, {rows / (time.monotonic() - self._began):,.0f} rows/s"


@contextmanager
def show_progress(name: str, size: int, *, quiet: bool) -> Iterator[Progress]:
    """The progress of a load of `size` bytes; notes only where it is to be quiet."""
    if quiet or not sys.stderr.isatty():
        yield Progress(size, math.inf if quiet else _EVERY)
        return
    from rich import progress
    from rich.console import Console

    with progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.DownloadColumn(),
        progress.TextColumn("{task.fields[rows]}", markup=False),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        yield Bar(bar, name, size)


class Bar(Progress):
    """A bar with bytes, rows, rate and the time that is left."""

    def __init__(self, bar: "progress.Progress", name: str, size: int) -> None:
        super().__init__(size, math.inf)
        self._bar = bar
        self._task = bar.add_task(name[-40:], total=size, rows="")

    def at(self, place: int, rows: int | None) -> None:
        self._bar.update(self._task, completed=place, rows=self._rate(rows))

    def _print(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False)
