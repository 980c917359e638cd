"""The body of a call of document 001: one object of parameters, among them the items."""

import asyncio
import datetime as dt
import hashlib
import re
from collections.abc import AsyncGenerator, Mapping
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from ingest.access.rights import Caller
from ingest.batches.write import Write
from ingest.errors import MalformedBody
from ingest.formats import json, xml
from ingest.formats.limits import Limits
from ingest.formats.negotiation import XML
from ingest.formats.shapes import ANY, Kind, Shape
from ingest.http.bodies import Body
from ingest.http.call import CALL
from ingest.http.gate import Gate
from ingest.http.presence import Presence
from ingest.http.rpc_parameters import Method, shape_of_parameters
from ingest.http.rpc_token import Span, token_spans
from ingest.http.service import SERVICE
from ingest.model import IdempotencyKey
from ingest.resources.resource import Resource

BUFFERED = 64 * 1024
"""Bytes of a body that are taken in before any handler looks at it."""
UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)""")
_OBJECT = Shape(Kind.OBJECT, element=lambda: ANY)


class RpcBody(Body):
    """A body that is one object of parameters, among them the items."""

    def __init__(self, request: web.Request, limit: int) -> None:
        settings = request.app[SERVICE].settings
        limits = Limits(
            limit,
            settings.max_items,
            settings.max_nesting + 1,
            check=Presence(request).check,
        )
        self._object = _Object(request[CALL].head.format.media_type, limits)
        super().__init__(request, limit, self._object)
        self._request = request
        self._key: str | None = None
        self._keep: dt.timedelta | None = None
        self._fingerprint = b""
        self._items: list[Any] = []
        self._spans: list[Span] = []
        self.parameters: Mapping[str, Any] = {}

    async def arrive(self) -> None:
        """Read all of it, and its parameters; those of XML are texts as yet.

        Raises:
            What `Body.begin` raises.
        """
        await super().begin()
        if self._ahead:
            self.parameters = self._ahead[0]
        if "token" in self.parameters:
            find = partial(token_spans, self._object.sent, is_xml=self._object.is_xml)
            much = len(self._object.sent) > BUFFERED
            self._spans = await asyncio.to_thread(find) if much else find()

    @property
    def tokens(self) -> list[Any]:
        """The values of the parameter `token`, which JSON may have more than once."""
        if len(self._spans) > 1 and not self._object.is_xml:
            return [orjson.loads(self._object.sent[begin:end]) for begin, end in self._spans]
        return [self.parameters.get("token")]

    async def typed(self, resource: Resource, method: Method) -> Mapping[str, Any]:
        """The parameters, with the types that the schema gives them."""
        in_batch = method.batch or isinstance(self.parameters.get("data"), list)
        shape = shape_of_parameters(resource, batch=in_batch)
        if len(self._object.sent) > BUFFERED:
            return await asyncio.to_thread(self._object.typed, shape)
        return self._object.typed(shape)

    def fingerprint(self, caller: Caller) -> bytes:
        """What makes two calls the same one: all that they say but for the value of the token.

        Of a caller that reaches other items it is another one.
        """
        call = self._request[CALL]
        query = "&".join(part for part in call.query.split("&") if not part.startswith("token="))
        digest = hashlib.blake2b(digest_size=32)
        for part in (call.method, call.path, query, *sorted(caller.groups)):
            digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
        sent, done = memoryview(self._object.sent), 0
        for begin, end in self._spans:
            digest.update(sent[done:begin])
            digest.update(b"\0")
            done = end
        digest.update(sent[done:])
        self._fingerprint = digest.digest()
        return self._fingerprint

    def hold(self, items: list[Any], gate: Gate, write: Write) -> None:
        """Set what the pipeline is to get: the items, let in by the gate."""
        self._items, self._gate = items, gate
        if self._request[CALL].idempotency_key is None:
            settings = self._request.app[SERVICE].settings
            self._key, self._keep = write.key, dt.timedelta(seconds=settings.rpc_repeat)

    async def begin(self) -> None:
        self._ahead = await anext(self._arriving, [])

    def identify(self, key: str) -> IdempotencyKey:
        return IdempotencyKey(key, self._fingerprint, self._keep)

    async def _arrive(self) -> AsyncGenerator[list[Any], None]:
        async with self._decoded(await self._all_sent()) as parameters:
            yield parameters  # and then it is found out who calls
            del parameters
            self.parameters = {}
            self._object.forget()
            await self._gate.admit(len(self._items))
            items, self._items = self._items, []
            yield items


class _Object:
    """Decodes a body that is one object; nothing at all is an object without members."""

    columns: None = None
    single = True
    line = 1

    def __init__(self, media_type: str, limits: Limits) -> None:
        self.is_xml = media_type == XML
        self._limits = limits
        self._parameters: Mapping[str, Any] = {}
        self._pieces: list[bytes] = []
        self.sent = b""
        """Its bytes, decompressed."""

    def feed(self, piece: bytes) -> list[Any]:
        self._pieces.append(piece)
        return []

    def end(self) -> list[Any]:
        self.sent = b"".join(self._pieces)
        self._pieces.clear()
        if not self.sent.strip():
            return []
        if self.is_xml:
            _check_declared(self.sent)
            self._parameters = self._xml(_OBJECT)
        else:
            found = json.decode(self.sent, self._limits)
            if isinstance(found, list):
                raise _no_object()
            self._parameters = found
        return [self._parameters]

    def typed(self, shape: Shape) -> Mapping[str, Any]:
        return self._xml(shape) if self.is_xml and self.sent.strip() else self._parameters

    def forget(self) -> None:
        self.sent, self._parameters = b"", {}

    def _xml(self, shape: Shape) -> Mapping[str, Any]:
        found = xml.decode_object(self.sent, shape, self._limits)
        if not isinstance(found, dict):
            raise _no_object()
        return found


def _check_declared(body: bytes) -> None:
    declared = _DECLARED.match(body.removeprefix(b"\xef\xbb\xbf"))
    if declared and declared[1].decode("latin-1").lower() not in UTF8:
        raise MalformedBody("The body is not in UTF-8", "Send UTF-8.")


def _no_object() -> MalformedBody:
    return MalformedBody("The body is no object", "Send the parameters as one object.")
