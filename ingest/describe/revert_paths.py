"""What undoes a batch."""

from collections.abc import Sequence

from ingest.describe import answers, codes
from ingest.describe.components import Object
from ingest.describe.described import Described
from ingest.describe.faces import EVERY, Face
from ingest.describe.parameters import shared
from ingest.model import Action


def revert(this: Described, operation_id: str, faces: Sequence[Face] = EVERY) -> Object:
    """POST of what undoes a batch."""
    found = answers.writes(
        this.resource, Action.UPDATE, this.example, "CollectionDocument", "revertBatch"
    )
    before = "" if faces is EVERY else "Hash"
    return {
        "operationId": operation_id,
        "tags": ["batches"],
        "summary": "Undo a committed batch, as a batch of its own",
        "description": "What it created is deleted, what it changed gets back the values that it"
        " had, what it deleted is back. An item that was changed since is 41201.",
        "parameters": shared("batch", "Prefer", "Idempotency-Key", "dryRun"),
        "responses": this.responses(
            operation_id,
            tuple(f"{before}{each}" for each in ("Read", "Batch", "Revert")),
            found,
            codes.REVERT,
            faces,
            shows="revertBatch",
            of_collection=False,
        ),
    }
