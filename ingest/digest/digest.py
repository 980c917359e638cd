"""The digest of a batch's failures: grouped, explained where that is proven, with remedies.

One pass: each failure is counted in its groups, and what may explain them is tried on it at once.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.digest.cause import About, Accepts, Item, Propose, Transform
from ingest.digest.causes import CAUSES, CAUSES_OF_ROWS
from ingest.digest.document import group_document
from ingest.digest.groups import Counted, Group, Groups
from ingest.digest.marks import LEFT_OUT, Mark
from ingest.digest.places import Places
from ingest.digest.proof import Proof
from ingest.digest.trials import Came, Cause, Test, Trials, Tried
from ingest.model import Action, Batch, Failure, Options
from ingest.resources.resource import Resource

MAX_SHOWN = 100
"""The groups that are shown: those with the most items."""
_CAUSES: Mapping[type, Sequence[Propose]] = {dict: CAUSES, list: CAUSES_OF_ROWS}
_EXPLAINED = 200
"""The groups for which causes are looked for."""
_WHOLE = 50
"""Those for which causes are that concern a whole batch, of which there may be dozens each."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A transform that is proven to heal a group."""

    id: str
    group: Group
    transform: Transform
    heals: int


@dataclass(slots=True)
class Mended:
    """What remedies made of an item, and which of them did."""

    item: Any
    """As it was received where none did; LEFT_OUT where it is to be left out."""
    remedies: list[str] = field(default_factory=list)


class Digest:
    """Counts and explains the failures of one batch."""

    def __init__(
        self,
        batch: Batch,
        resource: Resource | None,
        others: Sequence[Resource] = (),
    ) -> None:
        """
        Args:
            resource: that of the batch; without it nothing can be proven.
            others: what else the caller may send items to.
        """
        self._batch = batch
        self._resource = resource
        self.items = 0
        """The failures that were counted."""
        self._every_item_failed = batch.invalid_count == batch.received > 0
        self._unexplained = _why_unexplained(batch, resource)
        self._proof: Proof | None = None
        self._elsewhere: Mapping[str, Accepts] = {}
        if resource is not None and self._unexplained is None:
            self._proof = Proof(resource, batch.action, batch.options)
            if batch.action is Action.CREATE and self._every_item_failed:
                self._elsewhere = {each.name: _accepts(each, batch) for each in others}
        self._explained = 0
        self._groups = Groups(Places(resource), self._begin)

    def add(self, failures: Sequence[Failure]) -> None:
        """Count some failures, in the order of their indices."""
        for failure in failures:
            self.items += 1
            counted = self._groups.add(failure.index, failure.raw, failure.errors)
            self._try(failure, counted)

    def _try(self, failure: Failure, counted: Sequence[Counted]) -> None:
        """Try on an item all that may explain the groups that it is in."""
        test: Test | None = None
        for group, places in counted:
            trials = None if group is None else group.trials
            if trials is not None and trials.waiting and self._proof is not None:
                test = test or Test(self._proof, failure)
                trials.take(places, test)

    def _begin(self, group: Group, item: Any) -> None:
        """Propose what may explain a new group."""
        causes = _CAUSES.get(type(item), ())
        if self._proof is None or self._resource is None or self._explained >= _EXPLAINED:
            return
        self._explained += 1
        about = About(
            resource=self._resource,
            code=group.code,
            place=group.place,
            item=item,
            every_item_failed=self._every_item_failed and self._explained <= _WHOLE,
            columns=self._batch.options.columns,
            empty_as_null=self._batch.options.empty_as_null,
            elsewhere=self._elsewhere,
        )
        proposed = [each for propose in causes for each in propose(about)]
        steps = group.place.steps
        group.trials = Trials(
            key=group.key,
            of_field=str(steps[0]) if steps else None,
            limit=max(self._batch.invalid_count, self.items),
            waiting=[(number, Tried(each)) for number, each in enumerate(proposed)],
        )

    def mend(self, failure: Failure, chosen: Sequence[Remedy]) -> Mended:
        """What remedies of this digest make of one item: each only where it heals it."""
        made, whole = Mended(failure.raw), set[str]()
        if self._proof is None:
            return made
        test = Test(self._proof, failure)
        counted = self._groups.counted(failure.raw, failure.errors)
        places = {id(group): each for group, each in counted}
        for remedy in chosen:
            where = places.get(id(remedy.group))
            name = "" if remedy.transform.changes else repr(remedy.transform.document)
            trials = remedy.group.trials
            if where is None or name in whole or trials is None:
                continue
            if test.of_item(remedy.transform, where, trials)[1] is not Came.HEALED:
                continue
            whole |= {name} - {""}  # the same may be offered for several groups
            mended = remedy.transform.mend(made.item, where)
            if mended is LEFT_OUT:
                return Mended(LEFT_OUT, [remedy.id])
            if isinstance(mended, Mark) or (made.remedies and test.is_worse(mended)):
                continue
            made.item = mended
            made.remedies.append(remedy.id)
        return made

    def remedies(self) -> dict[str, Remedy]:
        """What is offered, by id."""
        found = [self._remedy(group, self._cause(group)) for group in self._ordered()[:MAX_SHOWN]]
        return {each.id: each for each in found if each is not None}

    def document(self) -> dict[str, Any]:
        """The digest as answers show it."""
        ordered = self._ordered()
        shown, others = ordered[:MAX_SHOWN], ordered[MAX_SHOWN:]
        document: dict[str, Any] = {
            "failedItemsCount": self.items,
            "errorsCount": self._groups.total,
            "groups": [self._document_of(group) for group in shown],
        }
        if others or self._groups.uncounted:
            document["others"] = {
                "groups": len(others),
                "count": sum(each.count for each in others),
                "errors": self._groups.uncounted,
            }
        if self._unexplained is not None:
            document["notExplained"] = self._unexplained
        return document

    def _ordered(self) -> list[Group]:
        return sorted(self._groups, key=lambda each: (-each.count, each.indices[0]))

    def _document_of(self, group: Group) -> dict[str, Any]:
        cause = self._cause(group)
        remedy = self._remedy(group, cause)
        id_ = None if remedy is None else remedy.id
        return group_document(group, cause, id_, items=self.items)

    def _cause(self, group: Group) -> Cause | None:
        if group.trials is None:
            return None
        return group.trials.cause(
            group.count, self._batch.received, every_item_failed=self._every_item_failed
        )

    def _remedy(self, group: Group, cause: Cause | None) -> Remedy | None:
        if cause is None or cause.ambiguous or not cause.remedied:
            return None
        transform = cause.tried.transform
        named = repr((group.key, sorted(transform.document.items(), key=repr))).encode()
        digest = hashlib.blake2b(named, digest_size=6).hexdigest()
        return Remedy(f"{transform.cause}-{digest}", group, transform, cause.tried.heals)


def _why_unexplained(batch: Batch, resource: Resource | None) -> str | None:
    """Why no causes are looked for; None where they are."""
    if resource is None:
        return "Causes are not looked for: the collection is not served any more."
    if batch.action is Action.REVERT:
        return "Causes are not looked for: nothing was sent that could be validated."
    if batch.layout not in (None, resource.fingerprint):
        return "Causes are not looked for: the schema has changed since the batch was sent."
    if batch.options.rewritten:
        return (
            "Causes are not looked for: the texts of the file were rewritten as its query says, "
            "and cannot be validated by themselves."
        )
    return None


def _accepts(resource: Resource, batch: Batch) -> Accepts:
    """What another collection takes. Its validation is made when it is needed."""
    made: list[Proof] = []
    known = {each.data_key for each in resource.fields}
    needed = {each.data_key for each in resource.fields if each.field.required}

    def accepts(item: Item) -> bool:
        if not needed <= item.keys() or known.isdisjoint(item):
            return False
        if not made:
            made.append(Proof(resource, Action.CREATE, Options(groups=batch.options.groups)))
        return not made[0].errors(item)

    return accepts
