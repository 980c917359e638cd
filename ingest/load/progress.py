"""How far a load is, on standard error: a bar on a terminal, else a line now and then."""

import sys
import time
from typing import Self

import click

_EVERY = 10.0  # seconds between two lines
_NOTES_EVERY = 2.0  # seconds between two notes: many requests may fail for one reason


class Progress:
    """Shows notes only."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last_note = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left on the screen."""

    def at(self, place: int, rows: int | None) -> None:
        """Show that `place` bytes of the file, and `rows` rows (where that is known), are done."""

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


def show_progress(name: str, size: int, *, quiet: bool) -> Progress:
    """The progress of a load of `size` bytes."""
    if quiet:
        return Progress()
    return Bar(name, size) if sys.stderr.isatty() else Lines(size)


class Lines(Progress):
    """A line every ten seconds."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._last = self._began

    def at(self, place: int, rows: int | None) -> None:
        now = time.monotonic()
        if now - self._last >= _EVERY:
            self._last = now
            share = 100 * place // self._size if self._size else 100
            self._print(", ".join(filter(None, (f"{share} %", self._rate(rows)))))


class Bar(Progress):
    """A bar with bytes, rows, rate and the time that is left."""

    def __init__(self, name: str, size: int) -> None:
        from rich import progress
        from rich.console import Console

        super().__init__()
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.DownloadColumn(),
            progress.TextColumn("{task.fields[rows]}", markup=False),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(name[-40:], total=size, rows="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def at(self, place: int, rows: int | None) -> None:
        self._bar.update(self._task, completed=place, rows=self._rate(rows))

    def _print(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False)
