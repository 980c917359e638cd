"""`ingest dev`: everything on this machine, nothing to install first."""

from ingest.dev.session import DevOptions, run

__all__ = ["DevOptions", "run"]
