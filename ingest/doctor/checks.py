"""The checks, and how they are run. A new one is a function in a file of its concept, and a line
here."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from ingest.doctor import batches, catalogue, clocks, counts, retention, standby, versions
from ingest.doctor.finding import Finding, Subject
from ingest.errors import ConfigurationError, IngestError, TooSlow, Unreachable
from ingest.logs import cause_of
from ingest.store.operators import lacks_right

_MOST = 100  # findings of one check that are shown


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the doctor looks at."""

    name: str
    find: Callable[[Subject], AsyncIterator[Finding]]
    """Raises what the database or Redis does."""
    counts: bool = False
    """Whether its work grows with what is stored: `--quick` leaves it out."""


CHECKS = (
    Check("tables", catalogue.missing),
    Check("read only", standby.read_only),
    Check("versions", versions.unsupported),
    Check("redis", versions.redis),
    Check("clocks", clocks.apart),
    Check("indexes", catalogue.invalid_indexes),
    Check("triggers", catalogue.disabled_triggers),
    Check("row security", catalogue.unsecured),
    Check("accepted batches", batches.waiting),
    Check("receiving batches", batches.silent),
    Check("dead letters", batches.dead_letters),
    Check("retention", retention.overdue),
    Check("counters", counts.wrong_counters, counts=True),
    Check("summaries", counts.wrong_summaries, counts=True),
)


async def examine(subject: Subject, *, quick: bool) -> AsyncIterator[tuple[str, Finding]]:
    """Every finding, with the name of its check, as soon as there is one.

    A check that fails is a finding itself. Where the database is not migrated, the others would
    only repeat that.

    Args:
        quick: leave out what counts.

    Raises:
        Unreachable: the database is away; what was found before it was given already.
        What the driver does, where the login lacks a right.
    """
    unmigrated = False
    for check in CHECKS:
        if quick and check.counts:
            continue
        found = 0
        try:
            async for finding in check.find(subject):
                found += 1
                if found <= _MOST:
                    yield check.name, finding
        except Unreachable:
            raise
        except ConfigurationError as error:
            if not unmigrated:
                yield check.name, _not_seen(check, str(error))
        except TooSlow:
            yield (
                check.name,
                Finding(
                    check.name,
                    "took too long to look at",
                    "give each statement longer, by `--timeout`",
                ),
            )
        except IngestError as error:
            yield check.name, _not_seen(check, f"{error} ({cause_of(error)})")
        except Exception as error:
            if lacks_right(error):
                raise
            yield check.name, _not_seen(check, cause_of(error))
        if found > _MOST:
            yield (
                check.name,
                Finding(
                    check.name, f"{found - _MOST:,} more were found", "run this again afterwards"
                ),
            )
        unmigrated = unmigrated or (check.find is catalogue.missing and found > 0)


def _not_seen(check: Check, reason: str) -> Finding:
    return Finding(
        check.name, f"could not be looked at: {reason}", "correct that, and run this again"
    )
