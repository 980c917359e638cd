"""Sends batches to the service and the model, and compares what both say and hold."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self
from uuid import UUID

from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.harness import Reply, Service
from tests.property.model import Expected, Row, answer
from tests.property.specification import Collection, Made, Request

_ACCOUNTS = itertools.count(1)
_METHODS = {"create": "POST", "update": "PATCH", "delete": "DELETE"}
_RESOLUTIONS = {"replace": "replace", "merge": "merge-duplicates", "ignore": "ignore-duplicates"}
_LETTERS = ("created", "updated", "unchanged", "deleted")
_UNKNOWN = "00000000-0000-7000-8000-ffffffffffff"


class Mismatch(Exception):
    """The service and the model do not agree."""


class Desk:
    """One collection of one account, as the service has it and as the model has it."""

    def __init__(
        self, service: Service, operator: Pool, collection: Collection, token: str
    ) -> None:
        self.service = service
        self.operator = operator
        self.collection = collection
        self.token = token
        self.rows: dict[Any, Row] = {}
        self.last = 0
        self.keys: dict[Made, str] = {}
        self.sent: list[str] = []
        self.numbers = itertools.count(1)

    @classmethod
    async def open(cls, service: Service, operator: Pool, collection: Collection) -> Self:
        _, token = await create_token(operator, f"account-{next(_ACCOUNTS)}", "tests")
        return cls(service, operator, collection, token)

    async def send(self, requests: Sequence[Request]) -> None:
        """Send batches side by side; find the order that they were committed in, and compare.

        Raises:
            Mismatch: a response or the stored items are not what the model says.
        """
        made = sorted(key for key in self.rows if key in self.keys.values())
        ready = [
            replace(each, items=_with_keys(each.items, made), number=next(self.numbers))
            for each in requests
        ]
        replies = await asyncio.gather(*map(self._send, ready))
        self.sent.append("\n".join(map(_shown, ready, replies)))
        await self._compare(list(zip(ready, replies, strict=True)))
        await self._compare_stored()

    def history(self) -> str:
        """Every request since the account was empty; a blank line between what was sent at once."""
        return "\n\n".join([f"collection {self.collection.name}", *self.sent])

    async def _send(self, request: Request) -> Reply:
        flags = {
            "matching": request.matching,
            "dryRun": "true" if request.dry_run else None,
            "select": "meta" if request.meta else None,
        }
        return await self.service.request(
            _METHODS[request.action],
            f"/v1/{self.collection.name}",
            request.items,
            token=self.token,
            prefer=_prefer(request),
            params={name: value for name, value in flags.items() if value is not None},
        )

    # -- responses --------------------------------------------------------------------------------

    async def _compare(self, answered: Sequence[tuple[Request, Reply]]) -> None:
        """Commits to a collection are serial: each answer must fit the rows before its commit."""
        states = [self.rows]
        for request, reply in await self._in_commit_order(answered):
            expected = answer(self.collection, self.rows, request, self.last)
            if expected.rejected:
                continue
            self._check(request, reply, expected)
            self.rows, self.last = dict(expected.rows), expected.last
            states.append(self.rows)
        for request, reply in answered:
            if request.dry_run or answer(self.collection, self.rows, request).rejected:
                self._check_at_some_moment(request, reply, states)

    async def _in_commit_order(
        self, answered: Sequence[tuple[Request, Reply]]
    ) -> Sequence[tuple[Request, Reply]]:
        real = [(request, reply) for request, reply in answered if not request.dry_run]
        for request, reply in answered:
            if "metadata" not in (reply.body or {}):
                raise Mismatch(f"{_shown(request, reply)}\nno outcome: {reply.body}")
        if len(real) < 2:
            return real
        ids = {UUID(reply.body["metadata"]["batchId"]): (request, reply) for request, reply in real}
        async with self.operator.connection() as connection:
            rows = await connection.fetch(
                "SELECT id FROM ingest.batches WHERE id = ANY($1) ORDER BY finished_at", list(ids)
            )
        return [ids[row["id"]] for row in rows]

    def _check_at_some_moment(
        self, request: Request, reply: Reply, states: Sequence[Mapping[Any, Row]]
    ) -> None:
        """What is only tried speaks of one moment between the others' commits."""
        for rows in states[:-1]:
            try:
                self._check(request, reply, answer(self.collection, rows, request))
            except Mismatch:
                continue
            return
        self._check(request, reply, answer(self.collection, states[-1], request))

    def _check(self, request: Request, reply: Reply, expected: Expected) -> None:
        body, metadata = reply.body, reply.body["metadata"]
        invalid = sorted(expected.errors)
        valid = [index for index in range(len(request.items)) if index not in expected.errors]
        facts = {
            "status": (reply.status, expected.status),
            "result": (body["result"], _RESULTS[expected.status]),
            "receivedItemsCount": (metadata["receivedItemsCount"], len(request.items)),
            "validItems": (metadata["validItems"], valid),
            "invalidItems": (metadata["invalidItems"], invalid),
            "validItemsCount": (metadata["validItemsCount"], len(valid)),
            "invalidItemsCount": (metadata["invalidItemsCount"], len(invalid)),
            "errors": (_errors(reply), {i: sorted(e, key=str) for i, e in expected.errors.items()}),
            "firsts": (_firsts(reply), expected.firsts),
            "rawData": (
                [failure.get("rawData") for failure in body.get("failures", [])],
                [None if request.minimal else request.items[index] for index in invalid],
            ),
            "counts": (
                {letter: metadata.get(letter) for letter in _LETTERS},
                _counts(expected.outcomes),
            ),
            "outcomes": (
                metadata.get("outcomes"),
                None if request.minimal else expected.outcomes,
            ),
            "batchId": ("batchId" in metadata, not request.dry_run),
            "data": (
                body.get("data"),
                self._data(request, body.get("data"), expected.data),
            ),
        }
        wrong = [
            f"{name}: got {got!r}, expected {wanted!r}"
            for name, (got, wanted) in facts.items()
            if got != wanted
        ]
        if wrong:
            raise Mismatch("\n".join([_shown(request, reply), *wrong]))

    def _data(self, request: Request, shown: Any, rows: Sequence[Row] | None) -> Any:
        """The expected `data`; a key that the server has just made is learnt from what is shown."""
        if rows is None or request.minimal:
            return None
        items = []
        for position, row in enumerate(rows):
            got = shown[position] if shown and position < len(shown) else {}
            item = {**dict.fromkeys(_NEVER_SENT.get(self.collection.name, ())), **row.values}
            key = item[self.collection.key]
            if isinstance(key, Made):
                item[self.collection.key] = self.keys.setdefault(key, got.get(self.collection.key))
            if request.meta:
                meta = got.get("meta", {})
                item["meta"] = {**meta, "version": row.version}
            # What holds nothing is shown as null only where the schema allows null.
            nulls = {name for name, value in item.items() if value is None and name not in got}
            items.append({name: item[name] for name in item.keys() - nulls})
        return items

    # -- stored items -----------------------------------------------------------------------------

    async def _compare_stored(self) -> None:
        reply = await self.service.get(
            self.collection.name, token=self.token, params={"limit": "1000", "select": "meta"}
        )
        stored = {item[self.collection.key]: item for item in reply.body["data"]}
        self._learn_keys(stored)
        expected = {key: (dict(row.values), row.version) for key, row in self.rows.items()}
        got = {
            key: (
                {name: item.get(name) for name in self.collection.fields},
                item["meta"]["version"],
            )
            for key, item in stored.items()
        }
        if got != expected:
            raise Mismatch(f"stored: got {got}, expected {expected}")
        if reply.body["metadata"]["recordsCount"] != len(self.rows):
            raise Mismatch(f"recordsCount: {reply.body['metadata']}, expected {len(self.rows)}")

    def _learn_keys(self, stored: Mapping[str, Any]) -> None:
        """Put real keys in the place of those that the server has made since the last look."""
        unique = self.collection.unique[0]
        for key in [key for key in self.rows if isinstance(key, Made)]:
            row = self.rows.pop(key)
            if key not in self.keys:
                found = [
                    each
                    for each, item in stored.items()
                    if all(item.get(name) == row.values[name] for name in unique)
                ]
                if len(found) != 1:
                    raise Mismatch(f"stored: {found} hold {row.values}")
                self.keys[key] = found[0]
            real = self.keys[key]
            self.rows[real] = replace(row, values={**row.values, self.collection.key: real})


_RESULTS = {200: "success", 201: "success", 207: "partial", 422: "failure"}
_NEVER_SENT = {"contacts": ("company", "phone", "country", "subscribed", "status", "tags")}


def _prefer(request: Request) -> str:
    parts = ["wait=5"]
    if request.lenient:
        parts.append("handling=lenient")
    if request.minimal:
        parts.append("return=minimal")
    if request.resolution:
        parts.append(f"resolution={_RESOLUTIONS[request.resolution]}")
    return ", ".join(parts)


def _shown(request: Request, reply: Reply) -> str:
    query = [f"matching={request.matching}"] if request.matching else []
    query += ["dryRun=true"] if request.dry_run else []
    query += ["select=meta"] if request.meta else []
    return (
        f"{_METHODS[request.action]} ?{'&'.join(query)} Prefer: {_prefer(request)} "
        f"{json.dumps(request.items)} -> {reply.status}"
    )


def _with_keys(items: Sequence[Any], made: Sequence[str]) -> list[Any]:
    """Items in which `made:1` has become the second key that the server has made."""

    def real(value: Any) -> Any:
        if not isinstance(value, str) or not value.startswith("made:"):
            return value
        number = int(value.removeprefix("made:"))
        return made[number] if number < len(made) else _UNKNOWN[:-1] + str(number)

    return [
        {name: real(value) for name, value in item.items()}
        if isinstance(item, dict)
        else real(item)
        for item in items
    ]


def _errors(reply: Reply) -> dict[int, list[Any]]:
    if not reply.body["metadata"]["invalidItems"]:
        return {}
    return {index: sorted(errors, key=str) for index, errors in reply.codes.items()}


def _firsts(reply: Reply) -> dict[tuple[int, str], int]:
    """The item that each repeat's description names, by the repeat's index and field."""
    named = {}
    invalid = reply.body["metadata"]["invalidItems"]
    for index, failure in zip(invalid, reply.body.get("failures", ()), strict=True):
        for error in failure["errors"]:
            if error["code"] == 40904:
                named[index, error["field"]] = int(error["description"].split()[1])
    return named


def _counts(outcomes: Sequence[str] | None) -> dict[str, int | None]:
    if outcomes is None:
        return dict.fromkeys(_LETTERS)
    counted = Counter(outcomes)
    return {letter: counted[letter] for letter in _LETTERS}
