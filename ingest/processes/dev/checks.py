"""What must hold before anything heavy starts; each complaint is one line."""

import os
from pathlib import Path

from ingest.errors import ConfigurationError


def check_ready_file(path: Path) -> None:
    """Remove what an earlier run left at `path`, and check that a new file can be put there."""
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
