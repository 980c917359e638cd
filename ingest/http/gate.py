"""Who calls, how many requests of theirs run side by side, and how fast they may send."""

import asyncio
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from aiohttp import web

from ingest.access.callers import Callers
from ingest.access.rates import Rates, Remaining
from ingest.access.rights import Caller
from ingest.errors import RateLimited, TokenInvalid, TokenRequired
from ingest.loop_time import LoopTime


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The requests under way in a process by token, and the most of one."""

    most: int
    loop_time: LoopTime
    requests: Counter[UUID] = field(default_factory=Counter)


class Gate:
    """Lets one request and its items through."""

    def __init__(
        self, credentials: Sequence[str], callers: Callers, rates: Rates, under_way: UnderWay
    ) -> None:
        """Args: `credentials` are the `Authorization` headers of the request."""
        self._credentials = credentials
        self._callers = callers
        self._rates = rates
        self._under_way = under_way
        self._begun = False
        self.remaining: Sequence[Remaining] = ()
        """What is left of each rate limit."""

    @contextmanager
    def entered(self, caller: Caller) -> Iterator[None]:
        """While the block lasts, the request is one of those of its token under way.

        Raises:
            RateLimited: as many of the token are under way as may be.
        """
        requests, most = self._under_way.requests, self._under_way.most
        if requests[caller.token] >= most:
            raise RateLimited(
                f"{most} requests with this token are under way",
                "Send fewer side by side; larger batches need fewer requests.",
                retry_after=1,
            )
        requests[caller.token] += 1
        try:
            with self._under_way.loop_time.under_way(caller.account):
                yield
        finally:
            requests[caller.token] -= 1
            if not requests[caller.token]:
                del requests[caller.token]

    async def authenticate(self) -> Caller:
        """The caller.

        Raises:
            TokenRequired, TokenInvalid: there is none that is known.
            Unavailable: tokens cannot be looked up.
        """
        scheme, _, token = (self._credentials[0] if self._credentials else "").partition(" ")
        if len(self._credentials) > 1:
            raise TokenInvalid("There are several tokens", "Send one Authorization header.")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenRequired("A token is required", "Send it as `Authorization: Bearer TOKEN`.")
        caller = await self._callers.find(token.strip())
        if caller is None:
            raise TokenInvalid("The token is not valid", "It is unknown, revoked or has expired.")
        return caller

    async def admit(self, items: int) -> None:
        """Count items that have arrived; later ones of a stream wait until they may be sent.

        Raises:
            TokenInvalid: the token was revoked or has expired meanwhile.
            RateLimited: the first items are too many; it says when the same request will pass.
            Unavailable: the token cannot be looked up.
        """
        caller = await self.authenticate()
        if not self._rates.limits or (self._begun and not items):
            return
        charge = await self._rates.charge(caller, items)
        while charge.wait and self._begun:
            await asyncio.sleep(charge.wait)
            charge = await self._rates.charge(caller, items)
        self.remaining = charge.remaining
        if charge.wait:
            raise RateLimited(
                "Too many items in too short a time; nothing was saved",
                "Wait for as long as Retry-After says, or send smaller batches.",
                retry_after=math.ceil(charge.wait),
            )
        self._begun = True


GATE = web.RequestKey("gate", Gate)
CALLER = web.RequestKey("caller", Caller)
