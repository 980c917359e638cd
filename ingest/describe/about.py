"""What a declaration says about a field besides its values."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from marshmallow import fields, missing

from ingest.describe import values
from ingest.describe.values import NoForm
from ingest.errors import encodable
from ingest.resources.resource import Resource


def about(field: fields.Field[Any], *, shown: bool) -> dict[str, Any]:
    """What a declaration says about a field: its metadata, its default, who writes it."""
    said: dict[str, Any] = {
        name: encodable(field.metadata[name])
        for name in ("title", "description")
        if isinstance(field.metadata.get(name), str)
    }
    if found := _examples(field.metadata):
        said["examples"] = found
    if field.metadata.get("deprecated") is True:
        said["deprecated"] = True
    if shown and field.dump_only:
        said["readOnly"] = True
    if not shown and field.load_only:
        said["writeOnly"] = True
    if not shown and not callable(field.load_default) and field.load_default is not missing:
        with suppress(NoForm):
            said["default"] = values.shown(field, field.load_default)
    return said


def of_collection(resource: Resource) -> str:
    """What the docstring of the user's schema says, in one line; empty where there is none."""
    return encodable(" ".join((type(resource.schema).__doc__ or "").split()))


def _examples(metadata: Mapping[str, Any]) -> list[Any]:
    """The examples in a field's metadata that are JSON: `examples`, or one `example`."""
    several = metadata.get("examples", [metadata["example"]] if "example" in metadata else [])
    found = []
    for each in several if isinstance(several, list | tuple) else [several]:
        try:
            found.append(values.as_json(each))
        except NoForm:
            continue
    return found
