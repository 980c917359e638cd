"""Why a load cannot go on."""

from ingest.errors import IngestError


class LoadError(IngestError):
    """The load cannot go on; the message says where, why and what to do."""
