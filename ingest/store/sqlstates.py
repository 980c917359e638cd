"""What PostgreSQL's error codes (SQLSTATE) mean to the service; docs/operations.md shows it.

https://www.postgresql.org/docs/current/errcodes-appendix.html lists the codes. What no table has is
an error of the service's own: a 500.
"""

from collections.abc import Mapping

READ_ONLY = "25006"
"""What a standby says to every write, and a server with `default_transaction_read_only`."""

NOT_NOW: Mapping[str, str] = {
    "08": "the server lost a connection of its own, such as to another server",
    READ_ONLY: "the database is read-only: a standby, or set to be",
    "40": "another transaction was in the way: a deadlock, a conflict with recovery",
    "53": "the server has no room: disk, memory, connections",
    "55": "something is locked, in use or not ready yet",
    "57": "an operator or a time-out ended it: the server stops, or starts",
    "58": "the server's disk or system failed",
}
"""What the server cannot do now and may do later, by the code or its class (two characters)."""


def is_passing(state: str | None) -> bool:
    """Whether the same statement may succeed later."""
    return state is not None and (state in NOT_NOW or state[:2] in NOT_NOW)


REFUSED_LOGINS: Mapping[str | None, str] = {
    "28000": "refuses the login: INGEST_DATABASE_URL names one that may not connect",
    "28P01": "refuses the login: the name or the password in INGEST_DATABASE_URL is wrong",
    "3D000": "no such database: INGEST_DATABASE_URL names one that the server does not have",
    "22023": "not migrated: lacks the role ingest_app; run `ingest migrate`",
    "42501": "refuses the login: it is no member of the role ingest_app, or may not connect to the "
    "database",
    None: "refuses the connection: INGEST_DATABASE_URL cannot be used",
}
"""Why it lets the service in no more; of its own settings, no other than the role can be refused.
None is for a URL that the driver cannot use."""
