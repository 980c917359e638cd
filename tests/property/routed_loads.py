"""A pytest plugin: every `Schema.load` of a test run goes through a compiled function.

`ROUTED_LOADS=FILE pytest -p routed_loads …` writes to FILE how many loads there were, and in how
many of them marshmallow's own `load` was never called.
"""

import json
import os
from pathlib import Path
from typing import Any

from marshmallow import Schema

from ingest.validation.engine.compiler import compile_load

_marshmallow = Schema.load
_counts = {"loads": 0, "compiled": 0}
_running: list[bool] = []
"""One entry for each compiled load on the stack: whether marshmallow had to take over."""


def _load(
    self: Schema, data: Any, *, many: Any = None, partial: Any = None, unknown: Any = None
) -> Any:
    if _running:  # what a compiled function left to marshmallow, and what that calls in turn
        _running[-1] = True
        return _marshmallow(self, data, many=many, partial=partial, unknown=unknown)
    # Compiled anew each time, as tests change their schemas between two loads.
    load = compile_load(self, partial, unknown, None if many is None else bool(many)).load
    _running.append(False)
    _counts["loads"] += 1
    try:
        return load(data)
    finally:
        _counts["compiled"] += not _running.pop()


def pytest_unconfigure() -> None:
    Path(os.environ["ROUTED_LOADS"]).write_text(json.dumps(_counts))


# While this is imported, before any conftest is.
Schema.load = _load  # type: ignore[method-assign]
