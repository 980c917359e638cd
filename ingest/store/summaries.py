"""The summaries that resources declare, as answers show them."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import asyncpg
import orjson

from ingest.resources.columns import ColumnType
from ingest.resources.representation import serializer
from ingest.resources.resource import Resource
from ingest.resources.summaries import COUNT, Tally, Totals, choices_of, element_of
from ingest.store.pool import Pool
from ingest.store.statements.tallies import counted_of_groups

_KEPT = """
SELECT summary, value, items, total FROM ingest.tallies
WHERE account = $1 AND collection = $2 AND summary = ANY ($3::text[]) AND items > 0
"""

_Rows = Sequence[tuple[Sequence[Any], asyncpg.Record]]


async def read_summaries(
    pool: Pool, resource: Resource, account: str, names: Sequence[str], groups: Sequence[str] = ()
) -> dict[str, Any]:
    """The current summaries of an account, of one instant, in the order of `names`.

    Args:
        names: of the resource's summaries.
        groups: only items of these count, and they are counted now; none for what is kept of all.
    """
    async with pool.transaction(account) as connection:
        if groups:
            rows = await connection.fetch(counted_of_groups(resource, names), account, groups)
        else:
            rows = await connection.fetch(_KEPT, account, resource.name, names)
    return {
        name: _shown(
            resource, name, [(orjson.loads(r["value"]), r) for r in rows if r["summary"] == name]
        )
        for name in names
    }


def _shown(resource: Resource, name: str, rows: _Rows) -> list[dict[str, Any]]:
    summary = resource.summaries[name]
    if isinstance(summary, Tally):
        return _tally(resource, summary, rows)
    return _totals(resource, summary, rows)


def _tally(resource: Resource, summary: Tally, rows: _Rows) -> list[dict[str, Any]]:
    """How often each value occurs, by its name; each that is declared, though none has it."""
    [field] = resource.counted(summary)
    show = serializer(field) or _as_stored
    counts: Mapping[Any, int] = {
        **dict.fromkeys(choices_of(element_of(field.field)), 0),
        **{show(value): row["items"] for [value], row in rows},
    }
    return [{"name": name, COUNT: counts[name]} for name in sorted(counts, key=str)]


def _totals(resource: Resource, summary: Totals, rows: _Rows) -> list[dict[str, Any]]:
    *by, value = resource.counted(summary)
    shown: list[tuple[str, Callable[[Any], Any]]] = [
        (field.data_key, serializer(field) or _as_stored) for field in by
    ]
    total = _text if value.type is ColumnType.NUMERIC else int
    return [
        {
            **{key: show(each) for (key, show), each in zip(shown, values, strict=True)},
            COUNT: row["items"],
            value.data_key: total(row["total"]),
        }
        for values, row in sorted(rows, key=lambda found: [(v is not None, v) for v in found[0]])
    ]


def _as_stored(value: Any) -> Any:
    return value


def _text(total: Decimal) -> str:
    """Every digit, and no exponent."""
    return format(total, "f")
