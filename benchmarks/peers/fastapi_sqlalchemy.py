"""(d) FastAPI, Pydantic v2 with EmailStr, and a bulk insert by SQLAlchemy 2 (asyncpg).

How it is written where an ORM is already there. Lacks what (c) lacks.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, HTTPException
from sqlalchemy import FetchedValue, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.peers.environment import CONNECTIONS, DATABASE_URL, PORT
from benchmarks.peers.pydantic_contact import Contact

engine = create_async_engine(
    DATABASE_URL.replace("postgresql://", "postgresql+asyncpg://"), pool_size=CONNECTIONS
)
session_of = async_sessionmaker(engine)


class Base(DeclarativeBase):
    pass


class StoredContact(Base):
    __tablename__ = "contacts"

    id: Mapped[str] = mapped_column(primary_key=True, server_default=FetchedValue())
    email: Mapped[str]
    first_name: Mapped[str]
    last_name: Mapped[str | None]
    company: Mapped[str | None]
    phone: Mapped[str | None]
    country: Mapped[str | None]
    age: Mapped[int | None]
    subscribed: Mapped[bool | None]
    tags: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/contacts", status_code=201)
async def create(contacts: list[Contact]) -> dict[str, int]:
    try:
        async with session_of.begin() as session:
            await session.execute(
                insert(StoredContact), [contact.model_dump() for contact in contacts]
            )
    except IntegrityError as error:
        raise HTTPException(409, "an e-mail address is taken") from error
    return {"created": len(contacts)}


if __name__ == "__main__":
    uvicorn.run(
        app, port=PORT, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
