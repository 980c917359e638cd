"""What PostgreSQL is set to for the service: each session, or each transaction behind a pooler.

PgBouncer in transaction mode gives every transaction another session, and lets a client set none
when it connects: there a transaction begins by setting itself.
"""

from collections.abc import Mapping

from ingest.settings import Settings
from ingest.store.tables import literal

ROLE = "ingest_app"
APPLICATION = "ingest"
_IDLE = 10.0  # seconds that a transaction may hold its locks while its process does something else
_LOCK_SHARE = 0.5  # of a statement's time that it may wait for a lock
_OF_TRANSACTIONS = {"default_transaction_read_only": "transaction_read_only"}


def is_pooled(settings: Settings) -> bool:
    """Whether there is a pooler in between: no statement can be prepared in a session then."""
    return settings.statement_cache == 0


def session_settings(
    role: str | None, *, timeout: float, work_mem: str = "", read_only: bool = False
) -> Mapping[str, str]:
    """The parameters by name.

    Args:
        role: the role to work as; None for the login's own rights.
        timeout: seconds of a statement.
        work_mem: such as `32MB`; empty for the server's own.
        read_only: whether nothing is to be written.
    """
    milliseconds = str(int(timeout * 1000))
    # A process that is frozen inside a transaction must not hold its collection for long.
    idle = str(int(min(timeout, _IDLE) * 1000))
    chosen = {
        "timezone": "UTC",
        "search_path": "pg_catalog",
        "jit": "off",
        # A plan is kept while the table grows: no plan may read all of it.
        "enable_seqscan": "off",
        "statement_timeout": milliseconds,
        # Shorter, so that waiting for another transaction is no slow statement.
        "lock_timeout": str(int(timeout * _LOCK_SHARE * 1000)),
        "idle_in_transaction_session_timeout": idle,
        "extra_float_digits": "1",
    }
    if work_mem:
        chosen["work_mem"] = work_mem
    if read_only:
        chosen["default_transaction_read_only"] = "on"
    return chosen if role is None else {**chosen, "role": role}


def begin_with(settings: Mapping[str, str]) -> str:
    """The statement that sets a transaction so."""
    named = {_OF_TRANSACTIONS.get(name, name): value for name, value in settings.items()}
    calls = (
        f"set_config({literal(name)}, {literal(value)}, true)" for name, value in named.items()
    )
    return f"SELECT {', '.join(calls)}"
