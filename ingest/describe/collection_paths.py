"""The paths of a collection: under `/v1/`, and where the dialect `hash` has them."""

from ingest.describe.components import Object
from ingest.describe.described import Described
from ingest.describe.faces import alone
from ingest.describe.operations import (
    DATA_ONLY,
    Group,
    get_item,
    get_schema,
    list_items,
    write,
    write_item,
)
from ingest.describe.parameters import shared
from ingest.model import Action

HASH = Group("Hash", alone("hash"))
EXTENSION = ".{extension}"


def paths(this: Described) -> Object:
    """Those under `/v1/`; PUT, and writes to single items, are for the dialect `data`."""
    several, single, root = this.name, this.item, f"/v1/{this.resource.name}"
    found: Object = {root: {"x-ingest": _extension(this)}}
    for end, also in (("", ""), (EXTENSION, "As")):
        of_end = {
            f"{root}{end}": {
                "get": list_items(this, f"list{several}{also}"),
                "post": write(this, Action.CREATE, f"create{several}{also}"),
                "patch": write(this, Action.UPDATE, f"patch{several}{also}"),
                "put": write(this, Action.UPDATE, f"put{several}{also}", DATA_ONLY),
                "delete": write(this, Action.DELETE, f"delete{several}{also}"),
            },
            f"{root}:delete{end}": {
                "post": write(this, Action.DELETE, f"delete{several}{also}ByPost")
            },
            f"{root}/{{key}}{end}": {
                "get": get_item(this, f"get{single}{also}"),
                "put": write_item(this, Action.UPDATE, f"put{single}{also}"),
                "patch": write_item(this, Action.UPDATE, f"patch{single}{also}"),
                "delete": write_item(this, Action.DELETE, f"delete{single}{also}"),
            },
        }
        for path, operations in of_end.items():
            found[path] = found.get(path, {}) | operations
            if end:
                found[path]["parameters"] = shared("extension")
    for end, also in (("", ""), (".json", "As")):
        found[f"{root}/schema{end}"] = {"get": get_schema(this, f"get{this.name}Schema{also}")}
    return found


def _extension(this: Described) -> Object:
    """What OpenAPI has no word for."""
    settings, resource = this.settings, this.resource
    return {
        "key": resource.key.data_key,
        "unique": [[field.data_key for field in group] for group in resource.unique],
        "idempotencyRequired": resource.idempotency_required or settings.idempotency_required,
    }


def hash_paths(this: Described) -> Object:
    """Those of the dialect `hash`, whose paths end with the format of the answer."""
    several, root = this.name, f"/api/{this.resource.name}"
    found: Object = {
        f"{root}{EXTENSION}": {
            "get": list_items(this, f"hashList{several}", HASH),
            "post": write(this, Action.CREATE, f"hashCreate{several}", HASH),
            "patch": write(this, Action.UPDATE, f"hashPatch{several}", HASH),
            "delete": write(this, Action.DELETE, f"hashDelete{several}", HASH),
        },
        f"{root}:delete{EXTENSION}": {
            "post": write(this, Action.DELETE, f"hashDelete{several}ByPost", HASH)
        },
        f"{root}/{{key}}{EXTENSION}": {"get": get_item(this, f"hashGet{this.item}", HASH)},
    }
    for path in found.values():
        path["parameters"] = shared("extension")
    return found
