"""The contact of every endpoint benchmark: the resource, and the table of the peers.

The service is pointed at this file (`INGEST_RESOURCES`), so that it serves one collection. Nine
fields, a primary key and a unique e-mail address.
"""

from ingest import Resource
from ingest.examples.crm import ContactSchema

contacts = Resource("contacts", ContactSchema, unique=["email"])

COLUMNS = (
    "email",
    "first_name",
    "last_name",
    "company",
    "phone",
    "country",
    "age",
    "subscribed",
    "tags",
)
PEERS_TABLE = """
CREATE TABLE public.contacts (
    id uuid PRIMARY KEY DEFAULT uuidv7(), email text NOT NULL UNIQUE, first_name text NOT NULL,
    last_name text, company text, phone text, country text, age bigint, subscribed boolean,
    tags jsonb
)
"""
"""What peers and the floor save into. Theirs has no account, no version and no times to keep."""
