"""A real PostgreSQL and a real Valkey out of wheels, for `ingest dev` and the tests.

Each server lives in one folder, which holds its data, its password and its log, and listens on
127.0.0.1 only, at a free port. Needs the extra `dev-server`.
"""

from ingest.processes.embedded.files import FolderLock, keep_secret, private_folder, write_private
from ingest.processes.embedded.postgres import EmbeddedPostgres
from ingest.processes.embedded.server import EmbeddedServer
from ingest.processes.embedded.valkey import EmbeddedValkey

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedServer",
    "EmbeddedValkey",
    "FolderLock",
    "keep_secret",
    "private_folder",
    "write_private",
]
