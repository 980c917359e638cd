"""PostgreSQL refuses to run as root: which account it gets instead, and what that may reach."""

import logging
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import ConfigurationError

_READ, _ENTER = 4, 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the system without privileges."""

    name: str
    uid: int
    gid: int

    def permit(self, path: Path, wanted: int) -> bool:
        """Add to a path just the permission bits that this account lacks; whether it lacked any.

        Args:
            wanted: 4 to read, 1 to run a file or enter a folder, or their sum.

        Raises:
            ConfigurationError: the permissions cannot be changed.
        """
        status = path.stat()
        if status.st_uid == self.uid:
            wanted <<= 6
        elif status.st_gid == self.gid:
            wanted <<= 3
        if status.st_mode & wanted == wanted:
            return False
        try:
            path.chmod(stat.S_IMODE(status.st_mode) | wanted)
        except OSError as error:
            raise ConfigurationError(
                f"the account {self.name!r} cannot reach {path}, and its permissions "
                f"cannot be changed: {error.strerror or error}"
            ) from error
        return True


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


def run_as(account: Account | None) -> dict[str, Any]:
    """The options for `subprocess` that run a program under an account; ours where it is None."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def open_way(account: Account, path: Path) -> None:
    """Let an account traverse every folder above `path`, which stay as unreadable as they were."""
    for folder in path.parents:
        if account.permit(folder, _ENTER):
            _log.info("made the folder %s traversable for %s", folder, account.name)


def open_tree(account: Account, tree: Path) -> None:
    """Let an account read what a package installed, as an installation under umask 077 forbids."""
    changed = 0
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            changed += account.permit(path, _READ | _ENTER if runs else _READ)
    if changed:
        _log.info("made %d files of %s readable for %s", changed, tree, account.name)
