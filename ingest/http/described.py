"""What describes this instance, written once in each process."""

import asyncio
from collections.abc import Callable
from typing import Any

from ingest.exactjson import dump_readable
from ingest.formats.negotiation import from_json
from ingest.http.encoded import Encoded, encode


class OpenApi:
    """The document of a process in each format, written when it is first asked for."""

    def __init__(self, describe: Callable[[], dict[str, Any]]) -> None:
        self._describe = describe
        self._written: dict[str, asyncio.Future[Encoded]] = {}

    async def file(self, media_type: str) -> Encoded:
        """The document, of `JSON` or `YAML`."""
        if media_type not in self._written:
            # In a thread: of many collections it is a second of work.
            write = asyncio.to_thread(self._write, media_type)
            self._written[media_type] = asyncio.ensure_future(write)
        # Who goes away meanwhile does not take it from the others.
        return await asyncio.shield(self._written[media_type])

    def _write(self, media_type: str) -> Encoded:
        return encode(from_json(dump_readable(self._describe()), media_type))
