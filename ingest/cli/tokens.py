"""`ingest token …`: who may call. An operator makes tokens with the database login's own rights."""

from datetime import UTC, datetime
from operator import attrgetter
from uuid import UUID

import click

from ingest.cli.operator import on_database, show
from ingest.dialects import DIALECTS
from ingest.errors import ConfigurationError

_COLUMNS = (
    "id",
    "account",
    "name",
    "role",
    "groups",
    "dialect",
    "created",
    "expires",
    "last used",
    "revoked",
)
_ATTRIBUTES = "id account name role groups dialect created_at expires_at last_used_at revoked_at"


@click.group("token")
def tokens() -> None:
    """Create, list and revoke tokens.

    Connects as `ingest migrate` does.
    """


@tokens.command("create")
@click.option("--account", required=True, help="Whose items the token reads and writes.")
@click.option("--name", default="", help="To recognise it in the list.")
@click.option(
    "--role", default="writer", show_default=True, help="What it may do; see `ingest role list`."
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    help="Confine it to items of this group; may be given several times.",
)
@click.option(
    "--dialect",
    type=click.Choice(list(DIALECTS)),
    help="The dialect of its answers where a request names none.",
)
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]),
    help="When it stops working; UTC unless it says otherwise.",
)
def create_token(
    account: str,
    name: str,
    role: str,
    groups: tuple[str, ...],
    dialect: str | None,
    expires: datetime | None,
) -> None:
    """Make a token and print it, alone, on standard output. It is never shown again."""
    from ingest.store import tokens

    if expires is not None and expires.tzinfo is None:
        expires = expires.replace(tzinfo=UTC)
    if expires is not None and expires <= datetime.now(UTC):
        raise click.BadParameter("must be in the future", param_hint="--expires")
    token_id, secret = on_database(
        lambda pool: tokens.create_token(
            pool, account, name, expires, role=role, groups=groups, dialect=dialect
        )
    )
    click.echo(f"token {token_id} of account {account}; keep it, it is not shown again:", err=True)
    click.echo(secret)


@tokens.command("list")
@click.option("--account", help="Only this account's.")
def list_tokens(account: str | None) -> None:
    """List tokens: ids, accounts, names, roles and times; never secrets."""
    from ingest.store import tokens

    found = on_database(lambda pool: tokens.list_tokens(pool, account))
    show(_COLUMNS, map(attrgetter(*_ATTRIBUTES.split()), found))


@tokens.command("revoke")
@click.argument("token_id", metavar="ID", type=click.UUID)
def revoke_token(token_id: UUID) -> None:
    """Make a token stop working, within a second and for good."""
    from ingest.store import tokens

    if not on_database(lambda pool: tokens.revoke_token(pool, token_id)):
        raise ConfigurationError(f"there is no token {token_id} that could be revoked")
    click.echo(f"revoked token {token_id}", err=True)
