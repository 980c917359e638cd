"""`ingest dev`: everything on this machine, nothing to install first."""

from ingest.processes.dev.session import DevOptions, run

__all__ = ["DevOptions", "run"]
