"""`ingest doctor`: what is wrong with an installation, one line a finding."""

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import click
import orjson

from ingest.cli.operator import admin_settings
from ingest.errors import Unreachable

if TYPE_CHECKING:
    from ingest.doctor import Finding
    from ingest.settings import Settings

_TIMEOUT = click.FloatRange(min=1, max=24 * 3600)


@click.command()
@click.option("--quick", is_flag=True, help="Leave out what counts items: counters and summaries.")
@click.option("--mend", is_flag=True, help="Set counters and summaries to what is stored.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.option(
    "--timeout",
    type=_TIMEOUT,
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long a single statement may take.",
)
def doctor(quick: bool, mend: bool, as_json: bool, timeout: float) -> None:
    """Look for what is wrong with the database, with batches and with Redis, and say what to do.

    Each finding is one line. The status is 0 where nothing is wrong, or all of it was mended, and 1
    otherwise. Redis is looked at where INGEST_REDIS_URL is set.

    Counters and summaries cost one count of every item, collection by collection and account by
    account; commits wait for one only while it is mended.

    Connects as `ingest migrate` does.
    """
    if quick and mend:
        raise click.UsageError("--quick leaves out what --mend mends: choose one of them")
    report = _Report(as_json)
    asyncio.run(_examine(admin_settings(with_redis=True), report, quick, mend, timeout))
    sys.exit(report.finish(quick))


async def _examine(
    settings: "Settings", report: "_Report", quick: bool, mend: bool, seconds: float
) -> None:
    from ingest.doctor import Finding, Subject, examine
    from ingest.environment import of_operators
    from ingest.redis import open_redis
    from ingest.resources.registry import load_registry
    from ingest.store.operators import open_operator_pool

    registry = load_registry(settings.resources)
    try:
        async with AsyncExitStack() as stack:
            pool = await stack.enter_async_context(
                open_operator_pool(settings, statement_timeout=seconds)
            )
            redis = None
            if settings.redis_url:
                redis = await stack.enter_async_context(open_redis(settings, logged=False))
            subject = Subject(
                settings=settings, registry=registry, pool=pool, redis=redis, mend=mend
            )
            async for check, finding in examine(subject, quick=quick):
                report.add(check, finding)
    except Unreachable as error:
        remedy = "see the table under Health in docs/operations.md; nothing else was looked at"
        report.add("database", Finding("PostgreSQL", of_operators(error.reason), remedy))


class _Report:
    """What is said of the findings: lines as they come, or one JSON object at the end."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._findings: list[dict[str, Any]] = []
        self._open = 0
        """Findings that were not mended."""

    def add(self, check: str, finding: "Finding") -> None:
        self._open += not finding.mended
        if self._as_json:
            self._findings.append({"check": check, **finding.document()})
        else:
            click.echo(str(finding))

    def finish(self, quick: bool) -> int:
        """Say what is left to say; the status."""
        from ingest.doctor import CHECKS

        left_out = [check.name for check in CHECKS if quick and check.counts]
        if self._as_json:
            document = {"findings": self._findings, "leftOut": left_out}
            click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        else:
            left = f"; left out: {', '.join(left_out)}" if left_out else ""
            said = "nothing is wrong" if not self._open else f"{self._open} to be seen to"
            click.echo(f"ingest doctor: {said}{left}", err=True)
        return 1 if self._open else 0
