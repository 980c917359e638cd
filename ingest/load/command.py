"""`ingest load`: the command."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ingest.load.loader import Written
    from ingest.load.plan import Plan
    from ingest.load.source import Source
    from ingest.load.totals import Totals

_FORMATS = ("csv", "json", "ndjson", "xml", "yaml")
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_EVERYTHING_SAVED, _NOT_FINISHED, _SOME_FAILED = 0, 1, 2


class _Misused(click.UsageError):
    """Wrong usage is status 1 here: 2 says that some rows failed."""

    exit_code = _NOT_FINISHED


class _Command(click.Command):
    """Has that status for every wrong usage."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **options)
        except click.UsageError as error:
            raise _Misused(error.format_message(), error.ctx) from None


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a load goes."""

    url: str
    token: str
    failed: Path
    quiet: bool


@click.command(cls=_Command)
@click.argument("file")
@click.option("--to", "collection", required=True, metavar="COLLECTION")
@click.option("--url", envvar="INGEST_URL", default="http://127.0.0.1:8080", help="[INGEST_URL]")
@click.option("--token", envvar="INGEST_TOKEN", default="", help="Better given as INGEST_TOKEN.")
@click.option("--format", "format_", type=click.Choice(_FORMATS), help="[default: by the name]")
@click.option(
    "--delimiter",
    type=click.Choice([*_DELIMITERS, *_DELIMITERS.values()]),
    help="Of CSV.  [default: by the header]",
)
@click.option("--charset", help="Of CSV and XML.  [default: utf-8, or by a byte order mark]")
@click.option("--empty-as", type=click.Choice(["absent", "null"]), help="Empty cells of CSV.")
@click.option(
    "--method", type=click.Choice(["post", "patch", "delete"]), default="post", show_default=True
)
@click.option("--matching", metavar="FIELD", help="Finds stored items by this field.")
@click.option(
    "--prefer", multiple=True, help="More preferences, such as resolution=merge-duplicates."
)
@click.option("--strict", is_flag=True, help="Save each batch as a whole or not at all.")
@click.option("--atomic", is_flag=True, help="Save the file as a whole or not at all.")
@click.option("--batch-size", type=click.IntRange(1, 10_000), default=5000, show_default=True)
@click.option(
    "--in-flight",
    "at_once",
    type=click.IntRange(1, 32),
    default=4,
    show_default=True,
    help="Requests on their way at a time.",
)
@click.option("--encoding", type=click.Choice(["gzip", "none"]), default="none", show_default=True)
@click.option(
    "--failed",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where failed rows are written.  [default: beside FILE]",
)
@click.option("--run", default="", help="A name; another one loads the same file once more.")
@click.option("--quiet", is_flag=True, help="No progress; the summary only.")
def load(file: str, **options: Any) -> None:
    """Load FILE (CSV, JSON, NDJSON, XML or YAML, also .gz and .zst; - for standard input).

    Sends it in batches. Run again after whatever stopped it, the same command goes on and writes
    nothing twice. Rows that fail are written beside the file, to be corrected and loaded.

    Status: 0 all rows are saved, 2 some failed, 1 the load could not be finished.
    """
    from ingest.load.failed_rows import check_writable
    from ingest.load.readers import FileFormat, file_options
    from ingest.load.source import open_source

    format_ = options["format_"]
    delimiter = options["delimiter"]
    how = file_options(
        file,
        None if format_ is None else FileFormat(format_),
        _DELIMITERS.get(delimiter, delimiter),
        options["charset"],
    )
    plan = _plan(how, options)
    target = _Target(
        options["url"], options["token"], options["failed"] or _beside(file, plan), options["quiet"]
    )
    check_writable(target.failed)
    with open_source(file) as source:
        sys.exit(asyncio.run(_load(plan, source, target)))


def _plan(how: Any, options: dict[str, Any]) -> "Plan":
    from ingest.load.plan import Method, Plan, preferences
    from ingest.load.readers import FileFormat

    atomic = options["atomic"]
    if atomic and how.format not in (FileFormat.CSV, FileFormat.NDJSON):
        raise _Misused(f"--atomic is for CSV and NDJSON, which are streamed, not {how.format}")
    return Plan(
        collection=options["collection"],
        file=how,
        method=Method(options["method"]),
        preferences=preferences(options["prefer"], strict=options["strict"] or atomic),
        matching=options["matching"],
        empty_as=options["empty_as"],
        batch_size=options["batch_size"],
        at_once=options["at_once"],
        atomic=atomic,
        compress=options["encoding"] == "gzip",
        run=options["run"],
    )


def _beside(file: str, plan: "Plan") -> Path:
    """Where the failed rows of a file go."""
    from ingest.load.failed_rows import failed_name

    path = Path("stdin") if file == "-" else Path(file)
    return path.with_name(failed_name(path, plan.file.format))


async def _load(plan: "Plan", source: "Source", target: _Target) -> int:
    """Load and say what came of it; the status of the command."""
    import aiohttp

    from ingest.load.feed import LoadError
    from ingest.load.loader import Loader
    from ingest.load.progress import show_progress
    from ingest.load.sender import Patience, Sender
    from ingest.load.totals import summary

    headers = {"Authorization": f"Bearer {target.token}"} if target.token else {}
    timeout = aiohttp.ClientTimeout(total=None, connect=30, sock_connect=10)
    connector = aiohttp.TCPConnector(limit=2 * plan.at_once)
    began = time.monotonic()
    problem: LoadError | None = None
    async with aiohttp.ClientSession(
        headers=headers, timeout=timeout, connector=connector
    ) as session:
        with show_progress(source.name, source.size, quiet=target.quiet) as progress:
            sender = Sender(session, target.url, Patience(), progress.note)
            loader = Loader(plan, source, sender, progress)
            stopped = _stop_on_signals()
            try:
                await loader.run(target.failed)
            except LoadError as error:
                problem = error
            except asyncio.CancelledError:
                if not stopped():
                    raise
                problem = LoadError(
                    f"stopped by {signal.Signals(stopped()).name}; run the same command again "
                    "to go on, nothing is written twice"
                )
    written = loader.finish()
    if loader.totals.batches or problem is None:
        for line in summary(loader.totals, time.monotonic() - began):
            click.echo(line)
    for line in _left(plan, loader.totals, written):
        click.echo(line)
    if problem is not None:
        click.echo(f"ingest: {problem}", err=True)
        return 128 + stopped() if stopped() else _NOT_FINISHED
    return _EVERYTHING_SAVED if loader.totals.all_saved else _SOME_FAILED


def _left(plan: "Plan", totals: "Totals", written: "Written") -> Iterator[str]:
    """What lies beside the file now, and what to do about it."""
    if written.path is not None:
        yield f"Failed rows: {written.path}"
        yield (
            "Nothing was saved: correct the file itself, and load it again."
            if plan.atomic and totals.unsaved
            else "Corrected, that file can be loaded as it is."
        )
    if written.set_aside is not None:
        yield f"An earlier file of failed rows is now {written.set_aside}"


def _stop_on_signals() -> Callable[[], int]:
    """Cancel this task on Ctrl-C and SIGTERM; returns what says which signal came, 0 for none."""
    task = asyncio.current_task()
    came: list[int] = []

    def stop(number: int) -> None:
        came.append(number)
        if task is not None:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    return lambda: came[0] if came else 0
