"""The contact as a Pydantic model, with the rules of the marshmallow schema."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, EmailStr, Field


class Contact(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Annotated[EmailStr, Field(max_length=254)]
    first_name: Annotated[str, Field(min_length=1, max_length=100)]
    last_name: Annotated[str, Field(max_length=100)] | None = None
    company: Annotated[str, Field(max_length=200)] | None = None
    phone: Annotated[str, Field(pattern=r"^\+?[0-9 ().-]{3,30}$")] | None = None
    country: Annotated[str, Field(min_length=2, max_length=2)] | None = None
    age: Annotated[int, Field(strict=True, ge=0, le=150)] | None = None
    subscribed: bool | None = None
    tags: list[Annotated[str, Field(min_length=1, max_length=50)]] | None = None
