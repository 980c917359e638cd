"""What `ingest dev` prints when everything answers."""

import shlex
from pathlib import Path

import orjson

from ingest.processes.dev.example import example_item
from ingest.resources.registry import Registry


def greeting(url: str, token: str, registry: Registry, folder: Path) -> str:
    """Where to go, and a line to paste that saves an item (or lists, where none can be made up)."""
    resource = next(iter(registry.values()))
    collections = "\n".join(f"    {url}/v1/{name}" for name in registry)
    return f"""
Everything runs; Ctrl-C stops it. The data is kept in {folder}.

{collections}

Try it:

    {_curl(f"{url}/v1/{resource.name}", token, example_item(resource))}
"""


def _curl(url: str, token: str, item: dict[str, object] | None) -> str:
    words = ["curl", "-sS", url, "-H", f"Authorization: Bearer {token}"]
    if item is not None:
        words += ["-H", "Content-Type: application/json", "-d", orjson.dumps([item]).decode()]
    return shlex.join(words)
