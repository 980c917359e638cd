"""PostgreSQL refuses to run as root: which account it gets instead, and what that may reach."""

import logging
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import ConfigurationError

_READ, _ENTER = 4, 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the system without privileges."""

    name: str
    uid: int
    gid: int

    def may(self, status: os.stat_result, wanted: int) -> bool:
        """Whether this account has the permission bits `wanted` (4 read, 2 write, 1 enter)."""
        return status.st_mode & self._bits(status, wanted) == self._bits(status, wanted)

    def grant(self, path: Path, status: os.stat_result, wanted: int) -> None:
        """Add to a path just the permission bits that are missing for this account."""
        try:
            path.chmod(stat.S_IMODE(status.st_mode) | self._bits(status, wanted))
        except OSError as error:
            raise ConfigurationError(
                f"the account {self.name!r} cannot reach {path}, and its permissions "
                f"cannot be changed: {error.strerror or error}"
            ) from error

    def _bits(self, status: os.stat_result, wanted: int) -> int:
        """`wanted`, moved to the class of the mode that the system checks for this account."""
        if status.st_uid == self.uid:
            return wanted << 6
        return wanted << 3 if status.st_gid == self.gid else wanted


def unprivileged_account() -> Account | None:
    """The account that PostgreSQL runs under when we are root; None when we are not.

    Raises:
        ConfigurationError: we are root, and the system has neither `postgres` nor `nobody`.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ConfigurationError(
        "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' "
        "to run it under; start this as another user"
    )


def open_way(account: Account, path: Path) -> None:
    """Let an account traverse every folder above `path`, which stay as unreadable as they were."""
    for folder in path.parents:
        status = folder.stat()
        if not account.may(status, _ENTER):
            account.grant(folder, status, _ENTER)
            _log.info("made the folder %s traversable for %s", folder, account.name)


def open_tree(account: Account, tree: Path) -> None:
    """Let an account read what a package installed, as an installation under umask 077 forbids."""
    changed = 0
    for path in _everything(tree):
        status = path.stat()
        executable = stat.S_ISDIR(status.st_mode) or status.st_mode & stat.S_IXUSR
        wanted = _READ | _ENTER if executable else _READ
        if not account.may(status, wanted):
            account.grant(path, status, wanted)
            changed += 1
    if changed:
        _log.info("made %d files of %s readable for %s", changed, tree, account.name)


def _everything(tree: Path) -> Iterator[Path]:
    yield tree
    for path in tree.rglob("*"):
        if not path.is_symlink():
            yield path
