"""The dialects by name: the same answer in the shape of each document. A new one is added here."""

from collections.abc import Mapping

from ingest.dialects import collection
from ingest.dialects.answer import Tell

DEFAULT = "collection"
DIALECTS: Mapping[str, Tell] = {
    DEFAULT: collection.tell,
}
