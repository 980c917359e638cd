"""How far a load is, on standard error: a bar on a terminal, else a line now and then."""

import sys
import time
from types import TracebackType
from typing import Protocol, Self

import click

_EVERY = 10.0  # seconds between two lines
_NOTES_EVERY = 2.0  # seconds between two notes: many requests may fail for one reason


class Progress(Protocol):
    """Shows how far a load is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def at(self, place: int, rows: int | None) -> None:
        """Say that `place` bytes of the file, and `rows` rows (where that is known), are done."""

    def note(self, text: str) -> None:
        """Say something that happened."""


def show_progress(name: str, size: int, *, quiet: bool) -> Progress:
    """The progress of a load of `size` bytes."""
    if sys.stderr.isatty() and not quiet:
        return Bar(name, size)
    return Lines(size, quiet=quiet)


class Lines:
    """A line every ten seconds."""

    def __init__(self, size: int, *, quiet: bool) -> None:
        self._size = size
        self._quiet = quiet
        self._began = self._last = time.monotonic()
        self._last_note = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left on the screen."""

    def at(self, place: int, rows: int | None) -> None:
        now = time.monotonic()
        if self._quiet or now - self._last < _EVERY:
            return
        self._last = now
        share = 100 * place // self._size if self._size else 100
        said = "" if rows is None else f", {rows:,} rows, {rows / (now - self._began):,.0f} rows/s"
        click.echo(f"ingest: {share} %{said}", err=True)

    def note(self, text: str) -> None:
        now = time.monotonic()
        if now - self._last_note >= _NOTES_EVERY:
            self._last_note = now
            click.echo(f"ingest: {text}", err=True)


class Bar:
    """A bar with bytes, rows, rate and the time that is left."""

    def __init__(self, name: str, size: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[rows]}", markup=False),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(name[-40:], total=size, rows="")
        self._began = time.monotonic()
        self._last_note = 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def at(self, place: int, rows: int | None) -> None:
        seconds = time.monotonic() - self._began
        said = "" if rows is None else f"{rows:,} rows, {rows / seconds:,.0f}/s"
        self._progress.update(self._task, completed=place, rows=said)

    def note(self, text: str) -> None:
        now = time.monotonic()
        if now - self._last_note >= _NOTES_EVERY:
            self._last_note = now
            self._progress.console.print(text, markup=False, highlight=False)
