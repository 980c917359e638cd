"""The dialects: one answer in the shape of each document. A new one is a file and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from ingest.dialects import collection, problem, status
from ingest.dialects.answer import Dialect

DEFAULT = collection.DIALECT
PROBLEM = problem.DIALECT
"""The default's second face, which its media type chooses and no name does."""
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {each.name: each for each in (DEFAULT, status.DIALECT)}
)
"""By the names that clients and tokens use."""
