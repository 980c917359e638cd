"""The SQL that applies batches to a resource's table, written once for each kind of batch.

Each statement is set-based, and reads the staged records inside the database:

    check        every conflict that only stored data can show: batch, item index, code, attribute,
                 first, stored; of a lenient batch without the items that have failed, $3
    conflicting  the batches that have any
    stranded     of a lenient batch alone: items that need a value which a failed item keeps
    creating     of an upsert alone: how many items, but for those of $3, find no stored one
    apply        writes the good items, and the outcome of each batch beside them
    unchecked    as `apply`, of batches in which no conflict was looked for
    at_once      takes what is pending of a collection, and applies it
    named        of a batch that undoes another: the keys of the items whose indices are $3

Names of the service begin with one `$`, names of a schema never do (see `ingest.resources`).
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from ingest.model import Action, Options
from ingest.resources.layout import Layout
from ingest.store.statements.apply import Apply
from ingest.store.statements.at_once import AtOnce
from ingest.store.statements.check import Check
from ingest.store.statements.revert import ALONE, Revert, RevertCheck
from ingest.store.statements.unchecked import Unchecked


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one kind of batch.

    `stranded` is there where items can give values up, `creating` where they may find a stored one,
    `unchecked` where it notices every conflict, and then does not finish every batch.
    """

    check: str
    conflicting: str
    stranded: str | None
    creating: str | None
    apply: str
    unchecked: str | None
    at_once: str | None
    named: str | None = None


def statements(resource: Layout, action: Action, options: Options) -> Statements:
    """The statements for batches of `resource` with this action and these options."""
    if options.reverts is not None:
        options = replace(options, reverts=None)  # which the statements read
    return _statements(resource, action, options)


@lru_cache(maxsize=512)
def _statements(resource: Layout, action: Action, options: Options) -> Statements:
    if action is Action.REVERT:
        return _of_revert(resource, options)
    check = Check(resource, action, options)
    unchecked = Unchecked(resource, action, options)
    at_once = AtOnce(resource, action, options)
    return Statements(
        check=check.check(but_failed=options.lenient),
        conflicting=f"SELECT DISTINCT batch FROM ({check.check()}) conflicts",
        stranded=check.stranded() if options.lenient and check.gives_up else None,
        creating=check.creating() if check.upsert else None,
        apply=Apply(resource, action, options).apply(),
        unchecked=unchecked.apply() if unchecked.notices_all else None,
        at_once=at_once.apply() if at_once.plain and at_once.by_key else None,
    )


def _of_revert(resource: Layout, options: Options) -> Statements:
    check = RevertCheck(resource, Action.REVERT, options)
    return Statements(
        check=check.check(but_failed=options.lenient),
        conflicting=ALONE,
        stranded=check.stranded() if options.lenient and check.gives_up else None,
        creating=check.creating(),
        apply=Revert(resource, Action.REVERT, options).apply(),
        unchecked=None,
        at_once=None,
        named=check.named(),
    )
