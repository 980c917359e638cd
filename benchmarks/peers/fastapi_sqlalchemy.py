"""(d) FastAPI, Pydantic v2 with EmailStr, and a bulk insert by SQLAlchemy 2 (asyncpg).

How it is written where an ORM is already there. Lacks what (c) lacks.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import uvicorn
from fastapi import FastAPI, HTTPException
from sqlalchemy import DateTime, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.peers.environment import CONNECTIONS, DATABASE_URL, PORT
from benchmarks.pydantic_models import Person

engine = create_async_engine(
    DATABASE_URL.replace("postgresql://", "postgresql+asyncpg://"), pool_size=CONNECTIONS
)
session_of = async_sessionmaker(engine)


class Base(DeclarativeBase):
    pass


class StoredPerson(Base):
    __tablename__ = "people"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    first_name: Mapped[str]
    last_name: Mapped[str | None]
    age: Mapped[int | None]
    status: Mapped[str | None]
    created_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    score: Mapped[float | None]
    tags: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/people", status_code=201)
async def create(people: list[Person]) -> dict[str, int]:
    try:
        async with session_of.begin() as session:
            await session.execute(insert(StoredPerson), [person.model_dump() for person in people])
    except IntegrityError as error:
        raise HTTPException(409, "an e-mail address is taken") from error
    return {"created": len(people)}


if __name__ == "__main__":
    uvicorn.run(
        app, port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
