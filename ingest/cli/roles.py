"""`ingest role …`: named sets of rights, the same for every account."""

import click

from ingest.cli.operator import on_database, show

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
    on_database(lambda pool: roles.create_role(pool, name, rights))
    click.echo(f"made the role {name}", err=True)


@roles.command("list")
def list_roles() -> None:
    """List roles and what they allow; a line for each collection, `*` for all."""
    from ingest.store import roles

    rows = [
        (role.name, collection, sorted(rights), role.built_in, role.created_at)
        for role in on_database(roles.list_roles)
        for collection, rights in role.rights.items()
    ]
    show(_COLUMNS, rows)


@roles.command("delete")
@click.argument("name")
def delete_role(name: str) -> None:
    """Remove a role that no token was made with; the built-in ones stay."""
    from ingest.store import roles

    on_database(lambda pool: roles.delete_role(pool, name))
    click.echo(f"deleted the role {name}", err=True)
