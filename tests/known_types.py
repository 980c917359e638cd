"""What the driver asks a server about its own types, asked once for each set of them.

A connection asks before the first statement with an array, which takes the server longer than most
tests: they open thousands of connections. PostgreSQL's own types have one number everywhere.
"""

from typing import Any

import asyncpg
import pytest

_FIRST_OF_USERS = 16384  # below are the numbers of PostgreSQL's own types


class _Asked:
    """Stands for the statement that asked: it is none, and so took no other's place."""

    name = "none"


def remember_types(patch: pytest.MonkeyPatch) -> None:
    """Have every connection of this process know what an earlier one has asked."""
    known: dict[frozenset[int], Any] = {}
    ask = asyncpg.Connection._introspect_types

    async def introspect(self: Any, types: Any, *rest: Any) -> Any:
        wanted = frozenset(types)
        if wanted in known:
            return known[wanted], _Asked
        found, statement = await ask(self, types, *rest)
        if max(wanted) < _FIRST_OF_USERS:
            known[wanted] = found
        return found, statement

    patch.setattr(asyncpg.Connection, "_introspect_types", introspect)
