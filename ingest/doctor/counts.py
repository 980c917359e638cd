"""What is kept as a number, compared with what is stored: counters and summaries."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from ingest.doctor.finding import Finding, Subject, counted, place
from ingest.store import recount

_REMEDY = "run `ingest doctor --mend`"
_LONGER = "give each statement longer, by `--timeout`, or do it in a quiet hour"


async def wrong_counters(subject: Subject) -> AsyncIterator[Finding]:
    """Counters that lists and quotas go by, and that SQL outside the service has made wrong."""
    async for each in recount.compared_counters(subject.pool):
        there = place(each.account, each.collection)
        if each.stored is None or each.account is None:
            yield Finding(there, "takes too long to count", _LONGER)
        elif each.kept != each.stored:
            stored = f"{each.stored:,} stored" if each.has_table else "there is no such table"
            what = f"counted as {counted(each.kept, 'item')}, and {stored}"
            mend = partial(
                recount.mend_counter,
                subject.pool,
                each.account,
                each.collection,
                has_table=each.has_table,
            )
            yield await _mended(subject, there, what, mend)


async def wrong_summaries(subject: Subject) -> AsyncIterator[Finding]:
    """Summaries that triggers keep, and that were changed while these did not fire."""
    for resource in subject.registry.values():
        if not resource.summaries:
            continue
        async for account, wrong in recount.compared_summaries(subject.pool, resource):
            there = place(account, resource.name)
            if wrong is None or account is None:
                yield Finding(there, "has summaries that take too long to count", _LONGER)
            elif wrong:
                what = f"{counted(wrong, 'value')} of its summaries not as the items are"
                mend = partial(recount.mend_summaries, subject.pool, resource, account)
                yield await _mended(subject, there, what, mend)


async def _mended(
    subject: Subject, there: str, what: str, mend: Callable[[], Awaitable[None]]
) -> Finding:
    """The finding, after what it is about was mended if that is wanted."""
    if not subject.mend:
        return Finding(there, what, _REMEDY)
    try:
        await mend()
    except recount.TOO_LONG:
        return Finding(there, f"{what}; it takes too long to count", _LONGER)
    return Finding(there, what, "counted anew", mended=True)
