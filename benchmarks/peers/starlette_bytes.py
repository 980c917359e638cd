"""(g) Starlette, one `TypeAdapter.validate_json` over the raw bytes, and a COPY by asyncpg.

What an expert writes with no scruples: the body becomes checked dicts in one call into Rust, where
a regular expression stands in for the rules of e-mail addresses. Lacks what (c) lacks, and takes
addresses that are none.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from operator import itemgetter
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

import asyncpg
import uvicorn
from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import TypedDict

from benchmarks.peers.environment import CONNECTIONS, DATABASE_URL, PORT
from benchmarks.samples import CONTACTS, PEOPLE, SAMPLES

EMAIL = r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"


Name = Annotated[str, Field(min_length=1, max_length=100)]


class Contact(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=254, pattern=EMAIL)]
    first_name: Name
    last_name: NotRequired[Annotated[str, Field(max_length=100)] | None]
    company: NotRequired[Annotated[str, Field(max_length=200)]]
    phone: NotRequired[Annotated[str, Field(pattern=r"^\+?[0-9 ().-]{3,30}$")]]
    country: NotRequired[Annotated[str, Field(min_length=2, max_length=2)]]
    age: NotRequired[Annotated[int, Field(strict=True, ge=0, le=150)]]
    subscribed: NotRequired[bool]
    tags: NotRequired[list[Annotated[str, Field(min_length=1, max_length=50)]]]


class Person(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")

    id: UUID
    email: Annotated[str, Field(max_length=254, pattern=EMAIL)]
    first_name: Name
    last_name: NotRequired[Annotated[str, Field(max_length=100)] | None]
    age: NotRequired[Annotated[int, Field(strict=True, ge=0, le=150)]]
    status: Annotated[Literal["lead", "customer", "lost"], Field(default="lead")]
    tags: NotRequired[list[Annotated[str, Field(max_length=50)]]]
    created_at: NotRequired[AwareDatetime]
    score: NotRequired[Annotated[float, Field(allow_inf_nan=False)]]


def endpoint(table: str, item: type) -> Route:
    """What takes the items of one table; its last column is `tags`."""
    items_of = TypeAdapter(list[item])
    columns = tuple(SAMPLES[table].columns)
    columns_of = itemgetter(*columns[:-1])

    def record(each: dict[str, Any]) -> tuple:
        """The values of one item; the common case carries every field."""
        try:
            return (*columns_of(each), to_json(each["tags"]).decode())
        except KeyError:
            tags = to_json(each["tags"]).decode() if "tags" in each else None
            return (*map(each.get, columns[:-1]), tags)

    async def create(request: Request) -> Response:
        try:
            items = items_of.validate_json(await request.body())
        except ValidationError as error:
            return Response(error.json(), 422, media_type="application/json")
        pool = request.app.state.pool
        try:
            await pool.copy_records_to_table(table, records=map(record, items), columns=columns)
        except asyncpg.UniqueViolationError:
            return Response(b'{"error":"an e-mail address is taken"}', 409)
        return Response(b'{"created":%d}' % len(items), 201, media_type="application/json")

    return Route(f"/{table}", create, methods=["POST"])


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(DATABASE_URL, min_size=0, max_size=CONNECTIONS) as pool:
        app.state.pool = pool
        yield


app = Starlette(routes=[endpoint(PEOPLE, Person), endpoint(CONTACTS, Contact)], lifespan=lifespan)

if __name__ == "__main__":
    uvicorn.run(
        app, port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
