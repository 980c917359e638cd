"""`ingest role …`: named sets of rights, the same for every account."""

import asyncio
from typing import TYPE_CHECKING

import click

from ingest.cli.operator import operator_pool, show, time_text

if TYPE_CHECKING:
    from ingest.store.roles import Role

_COLUMNS = ("name", "collection", "rights", "built in", "created")


@click.group("role")
def roles() -> None:
    """Create, list and delete roles: what tokens may do.

    Connects as `ingest migrate` does.
    """


@roles.command("create")
@click.argument("name")
@click.argument("grants", metavar="RIGHT[,RIGHT…]|COLLECTION=RIGHT[,RIGHT…]…", nargs=-1)
def create_role(name: str, grants: tuple[str, ...]) -> None:
    """Make a role.

    Rights are create, read, update, delete and admin, which includes the others. They hold for
    every collection, or for the one that is named: `ingest role create feed read
    contacts=create,update`.
    """
    from ingest.access.rights import parse_grants
    from ingest.store import roles

    rights = parse_grants(grants)

    async def create() -> None:
        async with operator_pool() as pool:
            await roles.create_role(pool, name, rights)

    asyncio.run(create())
    click.echo(f"made the role {name}", err=True)


@roles.command("list")
def list_roles() -> None:
    """List roles and what they allow; a line for each collection, `*` for all."""
    from ingest.store import roles

    async def read() -> "list[Role]":
        async with operator_pool() as pool:
            return await roles.list_roles(pool)

    show(_COLUMNS, [row for role in asyncio.run(read()) for row in _rows(role)])


@roles.command("delete")
@click.argument("name")
def delete_role(name: str) -> None:
    """Remove a role that no token was made with; the built-in ones stay."""
    from ingest.store import roles

    async def delete() -> None:
        async with operator_pool() as pool:
            await roles.delete_role(pool, name)

    asyncio.run(delete())
    click.echo(f"deleted the role {name}", err=True)


def _rows(role: "Role") -> list[tuple[str, ...]]:
    built_in, created = "yes" if role.built_in else "no", time_text(role.created_at)
    return [
        (role.name, collection, ", ".join(sorted(held)), built_in, created)
        for collection, held in role.rights.items()
    ]
