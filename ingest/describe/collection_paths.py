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


def paths(this: Described) -> Object:
    """Those under `/v1/`; PUT, and writes to single items, are for the dialect `data`."""
    several, single, root = this.name, this.item, f"/v1/{this.resource.name}"
    return {
        root: {
            "get": list_items(this, f"list{several}"),
            "post": write(this, Action.CREATE, f"create{several}"),
            "patch": write(this, Action.UPDATE, f"patch{several}"),
            "put": write(this, Action.UPDATE, f"put{several}", DATA_ONLY),
            "delete": write(this, Action.DELETE, f"delete{several}"),
        },
        f"{root}/schema": {"get": get_schema(this, f"get{several}Schema")},
        f"{root}:delete": {"post": write(this, Action.DELETE, f"delete{several}ByPost")},
        f"{root}/{{key}}": {
            "get": get_item(this, f"get{single}"),
            "put": write_item(this, Action.UPDATE, f"put{single}"),
            "patch": write_item(this, Action.UPDATE, f"patch{single}"),
            "delete": write_item(this, Action.DELETE, f"delete{single}"),
        },
    }


def hash_paths(this: Described) -> Object:
    """Those of the dialect `hash`, whose paths end with the format of the answer."""
    several, root = this.name, f"/api/{this.resource.name}"
    found: Object = {
        f"{root}.{{extension}}": {
            "get": list_items(this, f"hashList{several}", HASH),
            "post": write(this, Action.CREATE, f"hashCreate{several}", HASH),
            "patch": write(this, Action.UPDATE, f"hashPatch{several}", HASH),
            "delete": write(this, Action.DELETE, f"hashDelete{several}", HASH),
        },
        f"{root}:delete.{{extension}}": {
            "post": write(this, Action.DELETE, f"hashDelete{several}ByPost", HASH)
        },
        f"{root}/{{key}}.{{extension}}": {"get": get_item(this, f"hashGet{this.item}", HASH)},
    }
    for path in found.values():
        path["parameters"] = shared("extension")
    return found
