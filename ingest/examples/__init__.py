"""The resources that are served when `INGEST_RESOURCES` names none: a small CRM, and airports."""

from ingest.examples.airports import airports
from ingest.examples.crm import contacts, deals

__all__ = ["airports", "contacts", "deals"]
