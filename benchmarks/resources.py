"""What the service serves while it is measured: `INGEST_RESOURCES` is this file."""

from benchmarks.samples.contacts import contacts
from benchmarks.samples.generated import generated
from benchmarks.samples.people import people

__all__ = ["contacts", "generated", "people"]
