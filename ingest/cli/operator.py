"""What operators' commands share: the database with the login's own rights, and tables."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ingest.errors import ConfigurationError, NotAdmitted

if TYPE_CHECKING:
    from ingest.settings import Settings
    from ingest.store.pool import Pool

_Result = TypeVar("_Result")


def admin_settings(*, with_redis: bool = False) -> "Settings":
    """Settings for an operator's command: the database URL that may change things.

    Args:
        with_redis: keep the URL of Redis where there is one; it is empty otherwise.
    """
    from ingest.environment import admin_database_url, is_set, read_settings, unknown_variables

    for name, nearest in unknown_variables().items():
        hint = f"; did you mean {nearest}?" if nearest else ""
        click.echo(f"ingest: {name} is no setting{hint}", err=True)
    url = admin_database_url()
    given = {} if url is None else {"database_url": url, "database_password": ""}
    if not (with_redis and is_set("INGEST_REDIS_URL")):
        given["redis_url"] = ""
    return read_settings(**given)


def on_database(call: "Callable[[Pool], Awaitable[_Result]]") -> _Result:
    """What `call` returns for a pool that works with the rights of the login itself.

    Raises:
        ConfigurationError: the login may not do this, and which one may; or it is not let in, and
            which variable names it.
    """
    from ingest.environment import of_operators
    from ingest.store.operators import open_operator_pool

    async def run() -> _Result:
        async with open_operator_pool(admin_settings()) as pool:
            return await call(pool)

    try:
        return asyncio.run(run())
    except NotAdmitted as error:
        said = f"PostgreSQL {of_operators(error.reason)} ({error.__cause__})"
        raise ConfigurationError(said) from error


def show(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as a table for a person, or as tab-separated values for a program."""
    cells = [[_text(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in (columns, *cells):
            click.echo("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))  # names may hold what rich takes for markup
    Console().print(table)


def _text(value: Any) -> str:
    """A value as a cell: times in UTC, yes or no, empty for None, lists with commas."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)
