"""Folders and files that only their owner may read."""

import fcntl
import os
import secrets
from pathlib import Path
from typing import TextIO

from ingest.errors import ConfigurationError


def private_folder(path: Path) -> Path:
    """Make a folder, mode 0700 where it is new, and return its absolute path.

    Raises:
        ConfigurationError: it cannot be made, or is not writable.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the folder {path} cannot be made: {error.strerror or error}"
        ) from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise ConfigurationError(f"the folder {path} is not writable")
    return path.resolve()


def open_private(path: Path) -> TextIO:
    """Open a file to append to it, made with mode 0600."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    return open(descriptor, "a+", encoding="utf-8", errors="replace")


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one atomic rename; an older one is replaced."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with open_private(temporary) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def keep_secret(path: Path) -> str:
    """Return the secret that a file holds, made and written at the first call (hexadecimal)."""
    if not path.exists():
        write_private(path, secrets.token_hex(24))
    return path.read_text(encoding="utf-8").strip()


def lock_folder(folder: Path) -> TextIO:
    """Lock a folder for this process, until the file that is returned is closed.

    Raises:
        ConfigurationError: another process holds the lock; it is named.
    """
    file = open_private(folder / "lock")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with file:
            file.seek(0)
            holder = file.read(20).strip() or "unknown"
        raise ConfigurationError(
            f"the folder {folder} is in use by process {holder}; "
            "stop that one first, or use another folder"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
