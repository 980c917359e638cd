"""How long statements of a transaction may take: the longer, the more items there are."""

from typing import TYPE_CHECKING

from ingest.store.pool import GRACE

if TYPE_CHECKING:
    from ingest.store.pool import Connection

_FEW = 10_000  # items for which the settings' own time is meant
# A statement was measured to take 6 to 30 microseconds an item: a machine may be 15 times slower.
_EACH = 0.0005
LONGEST = 6 * 3600.0
"""The most seconds that are added, however many items there are."""

# Milliseconds are the unit of the setting.
_LENGTHEN = """
SELECT milliseconds, set_config('statement_timeout', milliseconds::text, true)
FROM (SELECT setting::bigint + $1 AS milliseconds
      FROM pg_settings WHERE name = 'statement_timeout') longer
"""


async def allow_time(connection: "Connection", items: int) -> float | None:
    """Let the statements of this transaction take as long as so many items need.

    Returns:
        The seconds to wait for each on this side; None where the usual time is enough.
    """
    if items <= _FEW:
        return None
    added = min(items * _EACH, LONGEST)
    milliseconds: int = await connection.fetchval(_LENGTHEN, int(added * 1000))
    return milliseconds / 1000 + GRACE
