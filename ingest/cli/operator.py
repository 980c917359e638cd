"""What operators' commands share: the database with the login's own rights, and tables."""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ingest.settings import Settings
    from ingest.store.pool import Pool


def admin_settings() -> "Settings":
    """Settings for an operator's command: no Redis, and the database URL that may change things."""
    from ingest.settings import read_settings

    url = os.environ.get("INGEST_MIGRATE_DATABASE_URL")
    given = {} if url is None else {"database_url": url}
    return read_settings(redis_url="", **given)


@asynccontextmanager
async def operator_pool() -> "AsyncIterator[Pool]":
    """A pool that works with the rights of the login itself."""
    from ingest.store.pool import open_pool

    async with open_pool(admin_settings(), role=None) as pool:
        yield pool


def time_text(time: datetime | None) -> str:
    """A time for a table, in UTC; empty where there is none."""
    return "" if time is None else f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows as a table for a person, or as tab-separated values for a program."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            click.echo("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # names may hold what rich takes for markup
    Console().print(table)
