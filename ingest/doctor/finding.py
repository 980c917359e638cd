"""What a check is given, and what it says."""

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from ingest.redis import RedisLink
from ingest.resources.registry import Registry
from ingest.settings import Settings
from ingest.store.pool import Pool

AT_MOST = 20
"""The most places that one check names of those that it groups in the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is examined."""

    settings: Settings
    registry: Registry
    pool: Pool
    """With the rights of an operator's login, and a timeout for every statement."""
    redis: RedisLink | None
    """None where there is no `INGEST_REDIS_URL`."""
    mend: bool = False
    """Whether a check may set right what it finds, if it knows how."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    where: str
    """A table, an account's collection, a server, a setting."""
    what: str
    """What is wrong there, as the rest of a sentence that begins with `where`."""
    remedy: str
    """What the operator is to do, or was done."""
    mended: bool = False

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        """One line, whatever the names in it hold."""
        line = f"{self.where}: {self.what}; {'mended: ' if self.mended else ''}{self.remedy}"
        return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)


def place(account: str | None, collection: str) -> str:
    """How findings call a collection of an account, or of all."""
    return collection if account is None else f"{collection} of account {account}"


def ago(moment: dt.datetime, now: dt.datetime) -> str:
    """How long ago that was, in the largest unit that is at least one: `3 days`, `1 hour`."""
    seconds = max(int((now - moment).total_seconds()), 0)
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            return counted(seconds // size, unit)
    return "0 seconds"


def counted(number: int, noun: str) -> str:
    """`1 batch`, `2 batches`."""
    plural = noun + ("es" if noun.endswith(("ch", "x")) else "s")
    return f"{number:,} {noun if number == 1 else plural}"
