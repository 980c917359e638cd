"""A hot standby of the tests' own PostgreSQL: it takes reads only, until it is promoted."""

import os
import pwd
import shutil
from pathlib import Path

import asyncpg

from ingest.processes.postgres import EmbeddedPostgres, program
from tests.databases import execute
from tests.waiting import until

_REPLAYED = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"


class Standby(EmbeddedPostgres):
    """Follows a primary from the copy that its first start makes.

    Logins and databases are the primary's, also those of `url`.
    """

    def __init__(self, folder: Path, primary: EmbeddedPostgres) -> None:
        super().__init__(folder, primary.settings)
        self._primary = primary

    @property
    def password(self) -> str:
        return self._primary.password

    async def promote(self) -> None:
        """Make it a primary of its own."""
        await execute(self.url, "SELECT pg_promote()")

    def _initialise(self, account: pwd.struct_passwd | None) -> None:
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if account is not None:
            os.chown(fresh, account.pw_uid, account.pw_gid)
        source = self._primary.url.removesuffix("/ingest") + "/postgres"
        copy = [program("pg_basebackup"), "-d", source, "-D", str(fresh)]
        self._run([*copy, "--checkpoint=fast", "--no-sync", "--write-recovery-conf"], "", account)
        fresh.rename(self.data)


async def replayed(primary: EmbeddedPostgres, standby: Standby) -> None:
    """Return once the standby has what the primary has committed so far."""
    there, here = await asyncpg.connect(primary.url), await asyncpg.connect(standby.url)
    try:
        # The tests' servers write the log of a commit a moment later; this one takes them along.
        await there.execute("SET synchronous_commit = on")
        await there.execute("SELECT pg_logical_emit_message(true, 'tests', '')")
        written = await there.fetchval("SELECT pg_current_wal_flush_lsn()::text")

        async def caught_up() -> bool:
            return bool(await here.fetchval(_REPLAYED, written))

        await until(caught_up)
    finally:
        await there.close()
        await here.close()
