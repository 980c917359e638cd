"""(c) FastAPI, Pydantic v2 with EmailStr, and a COPY by asyncpg.

How most would write it today. Lacks: errors of the database by item, partial success, idempotency,
a queue; a client that loses the connection does not know whether its items were saved.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from pydantic_core import to_json

from benchmarks.peers.environment import CONNECTIONS, DATABASE_URL, PORT
from benchmarks.pydantic_models import Contact, Generated, Person
from benchmarks.samples import CONTACTS, GENERATED, PEOPLE, SAMPLES


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(DATABASE_URL, min_size=0, max_size=CONNECTIONS) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


def serve(table: str, model: type[BaseModel]) -> None:
    """Add the endpoint of one table; its last columns are those that are kept as JSON."""
    columns = SAMPLES[table].columns
    documents = [name for name, kind in columns.items() if kind == "jsonb"]
    plain = attrgetter(*(name for name in columns if name not in documents))

    @app.post(f"/{table}", status_code=201)
    async def create(items: list[model]) -> dict[str, int]:
        records = [
            (*plain(each), *(_json(getattr(each, name)) for name in documents)) for each in items
        ]
        try:
            await app.state.pool.copy_records_to_table(
                table, records=records, columns=tuple(columns)
            )
        except asyncpg.UniqueViolationError as error:
            raise HTTPException(409, "an e-mail address is taken") from error
        return {"created": len(records)}


def _json(value: Any) -> str | None:
    return None if value is None else to_json(value).decode()


serve(PEOPLE, Person)
serve(CONTACTS, Contact)
serve(GENERATED, Generated)

if __name__ == "__main__":
    uvicorn.run(
        app, port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
