"""(g) Starlette, one `TypeAdapter.validate_json` over the raw bytes, and a COPY by asyncpg.

What an expert writes with no scruples: the body becomes checked dicts in one call into Rust, where
a regular expression stands in for the rules of e-mail addresses. Lacks what (c) lacks, and takes
addresses that are none.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from operator import itemgetter
from typing import Annotated, NotRequired

import asyncpg
import uvicorn
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from benchmarks.contacts import COLUMNS
from benchmarks.peers.environment import CONNECTIONS, DATABASE_URL, PORT

EMAIL = r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"


class Contact(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=254, pattern=EMAIL)]
    first_name: Annotated[str, Field(min_length=1, max_length=100)]
    last_name: NotRequired[Annotated[str, Field(max_length=100)] | None]
    company: NotRequired[Annotated[str, Field(max_length=200)]]
    phone: NotRequired[Annotated[str, Field(pattern=r"^\+?[0-9 ().-]{3,30}$")]]
    country: NotRequired[Annotated[str, Field(min_length=2, max_length=2)]]
    age: NotRequired[Annotated[int, Field(strict=True, ge=0, le=150)]]
    subscribed: NotRequired[bool]
    tags: NotRequired[list[Annotated[str, Field(min_length=1, max_length=50)]]]


contacts_of = TypeAdapter(list[Contact])
columns_of = itemgetter(*COLUMNS[:-1])


def record(contact: Contact) -> tuple:
    """The values of one contact; the common case carries every field."""
    try:
        return (*columns_of(contact), to_json(contact["tags"]).decode())
    except KeyError:
        tags = to_json(contact["tags"]).decode() if "tags" in contact else None
        return (*map(contact.get, COLUMNS[:-1]), tags)


async def create(request: Request) -> Response:
    try:
        contacts = contacts_of.validate_json(await request.body())
    except ValidationError as error:
        return Response(error.json(), 422, media_type="application/json")
    pool = request.app.state.pool
    try:
        await pool.copy_records_to_table("contacts", records=map(record, contacts), columns=COLUMNS)
    except asyncpg.UniqueViolationError:
        return Response(b'{"error":"an e-mail address is taken"}', 409)
    return Response(b'{"created":%d}' % len(contacts), 201, media_type="application/json")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(DATABASE_URL, min_size=0, max_size=CONNECTIONS) as pool:
        app.state.pool = pool
        yield


app = Starlette(routes=[Route("/contacts", create, methods=["POST"])], lifespan=lifespan)

if __name__ == "__main__":
    uvicorn.run(
        app, port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
