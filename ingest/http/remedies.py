"""POST /v1/batches/{id}:repair: remedies of a digest, applied to a batch that is kept."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import structlog
from aiohttp import web

from ingest.digest.digest import Digest, Mended, Remedy
from ingest.digest.marks import LEFT_OUT
from ingest.errors import InvalidParameter, MalformedBody, UnsupportedMediaType
from ingest.formats import json, yaml
from ingest.formats.decoding import WholeBody
from ingest.formats.limits import Limits
from ingest.formats.negotiation import JSON, YAML
from ingest.http.bodies import Body
from ingest.http.call import CALL
from ingest.http.digest import PAGE, digest_of
from ingest.http.gate import CALLER
from ingest.http.repairs import batch_of, repaired, resource_of
from ingest.http.request import endpoint
from ingest.http.service import SERVICE
from ingest.model import DROPPED, Batch, Failure, ItemChange
from ingest.store.failures import pages
from ingest.tasks import ahead

log = structlog.get_logger(__name__)

_MOST = 64 * 1024
"""Bytes of a body of names."""
_LIMITS = Limits(max_item=_MOST, max_items=1, max_nesting=3)
_SAY = 'Send `{"remedies": ["decimal_comma-260fc587f372"]}` with ids of the digest.'
_RANGES = 50


@endpoint(body=True)
async def apply(request: web.Request) -> web.Response:
    """Apply remedies that the digest offers now, and save the batch if nothing is wrong then."""
    batch, attempt = await batch_of(request)
    resource_of(request, batch)
    wanted = await _wanted(request)
    digest = await digest_of(request, batch)
    offered = digest.remedies()
    if unknown := [each for each in wanted if each not in offered]:
        raise InvalidParameter(
            f"The digest of the batch offers no remedy {unknown[0][:100]!r}",
            f"It offers {', '.join(offered) or 'none'}.",
        )
    changes = _Mending(request, batch, digest, [offered[each] for each in wanted])
    # The digest is that of this attempt: what others repair meanwhile is another one.
    return await repaired(request, batch, attempt or batch.attempt, changes)


async def _wanted(request: web.Request) -> Sequence[str]:
    """The ids that the body names, each once.

    Raises:
        MalformedBody: it names none.
    """
    body_format = request[CALL].head.format
    if body_format.media_type not in (JSON, YAML):
        raise UnsupportedMediaType(
            f"Remedies are not read from {body_format.media_type}", "Send JSON or YAML."
        )
    decode = yaml.decode if body_format.media_type == YAML else json.decode
    decoder = WholeBody(lambda data: decode(data, _LIMITS), body_format)
    async with aclosing(Body(request, _MOST, decoder)) as body:
        await body.begin()
        said = [each async for items in body.items() for each in items]
    document: Any = said[0] if len(said) == 1 else None
    ids = document.get("remedies") if isinstance(document, dict) else None
    known = isinstance(ids, list) and ids and all(isinstance(each, str) for each in ids)
    if not known or not isinstance(ids, list) or document.keys() != {"remedies"}:
        raise MalformedBody("The body names no remedies", _SAY)
    return [*dict.fromkeys(ids)]


class _Mending:
    """What remedies make of the failures of a batch, a page at a time, as changes of it."""

    def __init__(
        self, request: web.Request, batch: Batch, digest: Digest, chosen: Sequence[Remedy]
    ) -> None:
        self._service = request.app[SERVICE]
        self._token = request[CALLER].token
        self._batch = batch
        self._digest = digest
        self._chosen = chosen
        self._changed = defaultdict[str, _Indices](_Indices)

    async def begin(self) -> None:
        """There is nothing to read."""

    async def items(self) -> AsyncGenerator[list[ItemChange], None]:
        # As they were received: what is stored must not lack what the caller is not shown.
        batch, pool = self._batch, self._service.pool
        async with aclosing(ahead(pages(pool, batch.account, batch.id, PAGE))) as read:
            async for page in read:
                await self.pause()
                take = self._service.loop_time.take
                made = await asyncio.to_thread(take, batch.account, self._mend, page)
                yield [
                    ItemChange(index, DROPPED if mended.item is LEFT_OUT else mended.item)
                    for index, mended in made
                ]
        self._log()

    async def pause(self) -> None:
        await self._service.loop_time.turn(self._batch.account)

    async def aclose(self) -> None:
        """Nothing is held between pages."""

    def _log(self) -> None:
        """Say which remedy changed which items; the request's own line says what came of them."""
        for remedy in self._chosen:
            changed = self._changed[remedy.id]
            log.info(
                "remedy applied",
                account=self._batch.account,
                token=str(self._token),
                batch=str(self._batch.id),
                collection=self._batch.collection,
                remedy=remedy.id,
                transform=dict(remedy.transform.document),
                changed=changed.count,
                items=str(changed),
            )

    def _mend(self, page: Sequence[Failure]) -> list[tuple[int, Mended]]:
        found = []
        for failure in page:
            mended = self._digest.mend(failure, self._chosen)
            for name in mended.remedies:
                self._changed[name].add(failure.index)
            if mended.remedies:
                found.append((failure.index, mended))
        return found


class _Indices:
    """Indices in ascending order, as a log shows them: `0-17, 20, 22-30`."""

    def __init__(self) -> None:
        self.count = 0
        self._ranges: list[list[int]] = []

    def add(self, index: int) -> None:
        self.count += 1
        if self._ranges and self._ranges[-1][1] == index - 1:
            self._ranges[-1][1] = index
        elif len(self._ranges) <= _RANGES:
            self._ranges.append([index, index])

    def __str__(self) -> str:
        texts = [str(a) if a == b else f"{a}-{b}" for a, b in self._ranges[:_RANGES]]
        return ", ".join(texts + ["\N{HORIZONTAL ELLIPSIS}"] * (len(self._ranges) > _RANGES))
