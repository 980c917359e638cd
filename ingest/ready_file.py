"""The ready file: where everything is, for other programs, while all of it runs.

It holds `url`, `token`, `databaseUrl`, `redisUrl` and `pids` as far as the command has them.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson
import structlog

from ingest.errors import ConfigurationError
from ingest.folders import write_private
from ingest.listening import local_url
from ingest.settings import Settings

_log = structlog.get_logger(__name__)


def check_ready_file(path: Path) -> None:
    """Remove what an earlier run left at `path`, and check that a new file can be put there.

    Raises:
        ConfigurationError: it cannot.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the ready file {path} cannot be replaced: {error.strerror or error}"
        ) from error
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"the ready file {path} cannot be written: its folder is missing or not writable"
        )


def places_of(settings: Settings) -> dict[str, str]:
    """Where an API process is, and what it uses."""
    return {"url": local_url(settings.host, settings.port), **servers_of(settings)}


def servers_of(settings: Settings) -> dict[str, str]:
    """What a process uses."""
    return {"databaseUrl": settings.database_url, "redisUrl": settings.redis_url}


@contextmanager
def ready_file(
    path: Path | None, places: Mapping[str, str], pids: Callable[[], Mapping[str, list[int]]]
) -> Iterator[Callable[[], None]]:
    """Write the file, yield what writes it again with the new process ids, and remove it.

    Args:
        path: None for no file.

    Raises:
        OSError: it cannot be written.
    """

    if path is None:
        yield lambda: None
        return

    def write() -> None:
        write_private(path, orjson.dumps({**places, "pids": pids()}).decode())

    def rewrite() -> None:
        try:
            write()
        except OSError as error:  # everything runs, which matters more
            _log.error("the ready file cannot be written", reason=str(error))

    try:
        write()
        yield rewrite
    finally:
        path.unlink(missing_ok=True)
