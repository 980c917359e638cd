"""(c) FastAPI, Pydantic v2 with EmailStr, and a COPY by asyncpg.

How most would write it today. Lacks: errors of the database by item, partial success, idempotency,
a queue; a client that loses the connection does not know whether its items were saved.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI, HTTPException

from benchmarks.contacts import COLUMNS
from benchmarks.peers.environment import CONNECTIONS, DATABASE_URL, PORT
from benchmarks.peers.pydantic_contact import Contact


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(DATABASE_URL, min_size=0, max_size=CONNECTIONS) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/contacts", status_code=201)
async def create(contacts: list[Contact]) -> dict[str, int]:
    records = [
        (
            each.email,
            each.first_name,
            each.last_name,
            each.company,
            each.phone,
            each.country,
            each.age,
            each.subscribed,
            None if each.tags is None else orjson.dumps(each.tags).decode(),
        )
        for each in contacts
    ]
    try:
        await app.state.pool.copy_records_to_table("contacts", records=records, columns=COLUMNS)
    except asyncpg.UniqueViolationError as error:
        raise HTTPException(409, "an e-mail address is taken") from error
    return {"created": len(records)}


if __name__ == "__main__":
    uvicorn.run(
        app, port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
