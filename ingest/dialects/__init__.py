"""The dialects: one answer in the shape of each document. A new one is a file and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from ingest.dialects import collection, data, hash, problem, rpc, status
from ingest.dialects.answer import Dialect

DEFAULT = collection.DEFAULT
"""That of a request and a token that name none."""
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        each.name: each
        for each in (
            collection.DIALECT,
            data.DIALECT,
            hash.DIALECT,
            rpc.DIALECT,
            status.DIALECT,
        )
    }
)
"""By the names that clients and tokens use."""
PROBLEMS: Mapping[str | None, Dialect] = MappingProxyType(
    {None: problem.DEFAULT, collection.DIALECT.name: problem.DIALECT}
)
"""Those of problem details, by the name of the dialect that is given with their media type."""
