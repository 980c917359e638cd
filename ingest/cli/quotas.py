"""`ingest quota …`: the most items that an account may hold."""

from operator import attrgetter

import click

from ingest.cli.operator import on_database, show

_COLUMNS = ("account", "collection", "maximum", "items")
_MAX = 2**63 - 1


def _maximum(_context: click.Context, _parameter: click.Parameter, value: str) -> int | None:
    if value == "none":
        return None
    if not (value.isascii() and value.isdigit() and int(value[:30]) <= _MAX):
        raise click.BadParameter(f"{value!r} is neither a number of items nor 'none'")
    return int(value)


@click.group("quota")
def quotas() -> None:
    """Set and show the most items that accounts may hold.

    Connects as `ingest migrate` does.
    """


@quotas.command("set")
@click.option("--account", required=True, help="Whose items.")
@click.argument("collection")
@click.argument("maximum", metavar="N|none", callback=_maximum)
def set_quota(account: str, collection: str, maximum: int | None) -> None:
    """Let an account hold N items of COLLECTION at most, or any number.

    COLLECTION is the name of one, or '*' for all of them together. What is there already stays;
    while there is more than that, items can only be deleted.
    """
    from ingest.store import quotas

    on_database(lambda pool: quotas.set_quota(pool, account, collection, maximum))
    shown = "any number of" if maximum is None else f"at most {maximum}"
    click.echo(f"account {account} may hold {shown} items of {collection}", err=True)


@quotas.command("show")
@click.option("--account", help="Only this account's.")
def show_quotas(account: str | None) -> None:
    """Show quotas, and how many items there are."""
    from ingest.store import quotas

    found = on_database(lambda pool: quotas.list_quotas(pool, account))
    show(_COLUMNS, map(attrgetter(*_COLUMNS), found))
