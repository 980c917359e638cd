"""Folders and files that only their owner may read."""

import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from ingest.errors import ConfigurationError

SECRET_BYTES = 24


def private_folder(path: Path) -> Path:
    """Make a folder, mode 0700 where it is new, and return its absolute path.

    Raises:
        ConfigurationError: it cannot be made, or nothing can be written into it.
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


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one atomic rename; an older one is replaced."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def keep_secret(path: Path) -> str:
    """Return the secret that a file holds, made and written at the first call (hexadecimal)."""
    if not path.exists():
        write_private(path, secrets.token_hex(SECRET_BYTES))
    return path.read_text(encoding="utf-8").strip()


class FolderLock:
    """Lets one process at a time use a folder; the system frees it when that process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; taking it twice is once.

        Raises:
            ConfigurationError: another process holds it; the message names the process.
        """
        if self._descriptor is not None:
            return
        path = self._folder / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise ConfigurationError(
                f"the folder {self._folder} is in use by process {holder}; "
                "stop that one first, or use another folder"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; without one, do nothing. The file stays: nobody races on it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
