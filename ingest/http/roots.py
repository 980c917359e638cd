"""The roots under which the API's paths are."""

from ingest.dialects import DIALECTS

API = "/v1/"
ROOTS = dict(
    sorted(
        ((each.path, each) for each in DIALECTS.values() if each.path is not None),
        key=lambda root: -len(root[0]),
    )
)
"""The roots of paths that belong to a dialect; the longest first, as one may begin another."""
ALIASES = tuple(root for root, each in ROOTS.items() if each.is_alias)
"""Those under which is what is under `/v1/`."""
