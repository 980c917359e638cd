"""What a request says about its XML body: the query parameters."""

import re
from collections.abc import Mapping

from ingest.formats.csv_options import empty_as, illegal
from ingest.formats.negotiation import XML, BodyFormat

XML_PARAMETERS = frozenset({"emptyAs", "items"})
"""The query parameters that say how an XML body is read."""

PATH = "/?[^/:]{1,200}(?:/[^/:]{1,200}){0,31}"
"""What `items` is, as a pattern."""

_PATH = re.compile(PATH)


def xml_format(charset: str | None, parameters: Mapping[str, str]) -> BodyFormat:
    """XML as the values of `XML_PARAMETERS` say.

    Raises:
        InvalidParameter: names the parameter and what it takes.
    """
    path = parameters.get("items")
    if path is not None and not _PATH.fullmatch(path):
        wanted = (
            "the names of elements from the document's own to that of an item, without prefixes, "
            "such as feed/entries/entry"
        )
        raise illegal("items", path, wanted)
    items = () if path is None else tuple(path.removeprefix("/").split("/"))
    return BodyFormat(XML, charset, empty_as=empty_as(parameters), items=items)
