"""PostgreSQL refuses to run as root: which account it gets instead, and what that may reach."""

import logging
import os
import pwd
import stat
from pathlib import Path
from typing import Any

from ingest.errors import ConfigurationError

_READ, _ENTER = 4, 1
_log = logging.getLogger(__name__)


def unprivileged_account() -> pwd.struct_passwd | None:
    """The account that PostgreSQL runs under when we are root; None when we are not.

    Raises:
        ConfigurationError: we are root, and the system has neither `postgres` nor `nobody`.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ConfigurationError(
        "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' "
        "to run it under; start this as another user"
    )


def run_as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """The options for `subprocess` that run a program under an account; ours where it is None."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def open_way(account: pwd.struct_passwd, path: Path) -> None:
    """Let an account traverse every folder above `path`, which stay as unreadable as they were.

    Raises:
        ConfigurationError: the permissions of a folder cannot be changed.
    """
    for folder in path.parents:
        if _permit(account, folder, _ENTER):
            _log.info("made the folder %s traversable for %s", folder, account.pw_name)


def open_tree(account: pwd.struct_passwd, tree: Path) -> None:
    """Let an account read what a package installed, as an installation under umask 077 forbids.

    Raises:
        ConfigurationError: the permissions of a file cannot be changed.
    """
    changed = 0
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            changed += _permit(account, path, _READ | _ENTER if runs else _READ)
    if changed:
        _log.info("made %d files of %s readable for %s", changed, tree, account.pw_name)


def _permit(account: pwd.struct_passwd, path: Path, wanted: int) -> bool:
    """Add to a path just the permission bits that an account lacks; whether it lacked any."""
    status = path.stat()
    if status.st_uid == account.pw_uid:
        wanted <<= 6
    elif status.st_gid == account.pw_gid:
        wanted <<= 3
    if status.st_mode & wanted == wanted:
        return False
    try:
        path.chmod(stat.S_IMODE(status.st_mode) | wanted)
    except OSError as error:
        raise ConfigurationError(
            f"the account {account.pw_name!r} cannot reach {path}, and its permissions "
            f"cannot be changed: {error.strerror or error}"
        ) from error
    return True
