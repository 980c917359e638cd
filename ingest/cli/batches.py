"""`ingest batches …`: what an operator sees of batches, and how one is put back."""

from operator import attrgetter
from uuid import UUID

import click

from ingest.cli.operator import on_database, show
from ingest.model import BatchState

_COLUMNS = "id account collection action state items attempts created finished kept reason"
_ATTRIBUTES = (
    "id account collection action state received attempts created_at finished_at has_payload reason"
)
_STATE = click.Choice(BatchState, case_sensitive=False)


@click.group()
def batches() -> None:
    """List batches, and retry those that failed for a reason of the service's own.

    Connects as `ingest migrate` does.
    """


@batches.command("list")
@click.option("--account", help="Only this account's.")
@click.option("--state", type=_STATE, help="Only batches in this state.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
def list_batches(account: str | None, state: BatchState | None, limit: int) -> None:
    """List batches, the newest first, with the reason of those that the service could not commit.

    `kept` says whether the items are still there, so that the batch can be retried.
    """
    from ingest.store import dead_letters

    found = on_database(lambda pool: dead_letters.list_batches(pool, account, state, limit))
    show(_COLUMNS.split(), map(attrgetter(*_ATTRIBUTES.split()), found))


@batches.command()
@click.argument("batch_id", metavar="ID", type=click.UUID)
def retry(batch_id: UUID) -> None:
    """Put a batch back that failed for a reason of the service's own; a worker then commits it."""
    from ingest.store import dead_letters

    on_database(lambda pool: dead_letters.put_back(pool, batch_id))
    click.echo(f"batch {batch_id} is accepted again; a worker will commit it", err=True)
