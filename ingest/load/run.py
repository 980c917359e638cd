"""One load from start to end: what the command prints, and its status."""

import asyncio
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import click

from ingest.load.errors import LoadError
from ingest.load.failed_rows import Written, check_writable, failed_name
from ingest.load.kinds import FileFormat, FileOptions, file_options
from ingest.load.loader import Loader
from ingest.load.plan import Plan, preferences
from ingest.load.progress import show_progress
from ingest.load.sender import Sender, Timeouts
from ingest.load.source import Source, open_source
from ingest.load.totals import summary
from ingest.load.workbook import sheet_of

_ALL_SAVED, _NOT_FINISHED, _SOME_FAILED = 0, 1, 2
_NOT_STREAMED = (FileFormat.JSON, FileFormat.XML, FileFormat.YAML)
_NOTATION = {
    "short_rows": "shortRows",
    **{each: each for each in ("decimal", "dates", "nulls")},
}
"""Options, and the query parameters of CSV that they are."""
_CONNECT = aiohttp.ClientTimeout(total=None, connect=30, sock_connect=10)


def run(file: str, options: Mapping[str, Any]) -> int:
    """Load a file; the status of the command.

    Args:
        file: its path; `-` is standard input.
        options: of the command, by their names.

    Raises:
        LoadError: the options cannot work, or the file cannot be read.
    """
    path = Path(file)
    if path.is_dir():
        raise LoadError(f"{file}: this is a folder; name a file")
    if file == "-" or (path.exists() and not path.is_file()):  # a pipe has no folder of its own
        path = Path("stdin")
    try:
        return _run(file, path, options)
    except KeyboardInterrupt:  # while the file was read: later, a signal cancels the load
        click.echo("ingest: stopped by SIGINT before anything was sent", err=True)
        return 128 + signal.SIGINT


def _run(file: str, path: Path, options: Mapping[str, Any]) -> int:
    with ExitStack() as opened:
        source = opened.enter_context(open_source(file))
        how = file_options(source, options)
        plan = _plan(how, options)
        failed = options["failed"] or path.with_name(failed_name(path, how.format))
        check_writable(failed)
        if how.format is FileFormat.WORKBOOK:
            notation = {name: options[name] for name in ("dates", "decimal")}
            source = opened.enter_context(sheet_of(source, options["sheet"], _note, **notation))
        return asyncio.run(_load(plan, source, failed, options))


def _note(text: str) -> None:
    click.echo(f"ingest: {text}", err=True)


def _plan(how: FileOptions, options: Mapping[str, Any]) -> Plan:
    atomic = options["atomic"]
    if atomic and how.format in _NOT_STREAMED:
        raise LoadError(f"--atomic is for what is sent as CSV or NDJSON, not for {how.format}")
    return Plan(
        collection=options["collection"],
        file=how,
        method=options["method"],
        preferences=preferences(options["prefer"], strict=options["strict"] or atomic),
        matching=options["matching"],
        empty_as=options["empty_as"],
        notation=tuple(
            (parameter, options[option])
            for option, parameter in _NOTATION.items()
            if options[option] is not None
        ),
        batch_size=options["batch_size"],
        at_once=options["at_once"],
        atomic=atomic,
        compress=options["encoding"] == "gzip",
        run=options["run"],
    )


async def _load(plan: Plan, source: Source, failed: Path, options: Mapping[str, Any]) -> int:
    """Load, print the result, and return the status."""
    began = time.monotonic()
    token = options["token"]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connector = aiohttp.TCPConnector(limit=2 * plan.at_once)
    signals = _signals_that_cancel()
    problem: LoadError | None = None
    async with aiohttp.ClientSession(
        headers=headers, timeout=_CONNECT, connector=connector
    ) as session:
        with show_progress(source.name, source.size, quiet=options["quiet"]) as progress:
            sender = Sender(session, options["url"], Timeouts(), progress.note)
            loader = Loader(plan, source, sender, progress, failed)
            written = None
            try:
                written = await loader.run()
            except LoadError as error:
                problem = error
            except asyncio.CancelledError:
                if not signals:
                    raise
                problem = LoadError(
                    f"stopped by {signals[0].name}; run the same command again "
                    "to go on, nothing is written twice"
                )
    if written is None:
        written = loader.failed_rows.finish(complete=False)
    totals = loader.totals
    if totals.batches or problem is None:
        for line in summary(totals, time.monotonic() - began):
            click.echo(line)
    for line in _left(written, nothing_saved=plan.atomic and totals.unsaved > 0):
        click.echo(line)
    if problem is not None:
        click.echo(f"ingest: {problem}", err=True)
        return 128 + signals[0] if signals else _NOT_FINISHED
    return _SOME_FAILED if totals.failed or totals.unsaved else _ALL_SAVED


def _left(written: Written, *, nothing_saved: bool) -> Iterator[str]:
    """What lies beside the file now, and what to do about it."""
    if written.path is not None:
        yield f"Failed rows: {written.path}"
        yield (
            "Nothing was saved: correct the file itself, and load it again."
            if nothing_saved
            else "Corrected, that file can be loaded as it is."
        )
    if written.set_aside is not None:
        yield f"An earlier file of failed rows is now {written.set_aside}"


def _signals_that_cancel() -> list[signal.Signals]:
    """The signals that have come; each of SIGINT and SIGTERM cancels the current task."""
    come: list[signal.Signals] = []
    task = asyncio.current_task()

    def cancel(number: signal.Signals) -> None:
        come.append(number)
        if task is not None:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, cancel, number)
    return come
