"""Every `Resource` that a process serves, and where it is found."""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from ingest.errors import ConfigurationError
from ingest.resources.resource import Resource


class Registry(dict[str, Resource]):
    """Every resource that this process serves, by collection name; nothing changes it later."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.databases: dict[int, Resource] = {}
        """By the number that a resource declares, else by its place, from 1."""
        if not resources:
            raise ConfigurationError("there is no Resource to serve")
        for resource in resources:
            if self.setdefault(resource.name, resource) is not resource:
                raise ConfigurationError(f"two resources are called {resource.name!r}")
        summed: dict[str, Resource] = {}
        for resource in resources:
            for name in resource.summaries:
                if summed.setdefault(name, resource) is not resource:
                    raise ConfigurationError(
                        f"resources {summed[name].name!r} and {resource.name!r} both declare the "
                        f"summary {name!r}; rename one of them"
                    )
        for place, resource in enumerate(self.values(), 1):
            number = place if resource.rpc_id is None else resource.rpc_id
            if self.databases.setdefault(number, resource) is not resource:
                other = self.databases[number].name
                raise ConfigurationError(
                    f"resources {other!r} and {resource.name!r} both have the rpc_id {number}"
                )


def load_registry(location: str) -> Registry:
    """Collect every `Resource` of a module (`crm`) or a file (`./crm.py`).

    Raises:
        ConfigurationError: nothing is there, it cannot be imported, or a schema cannot be stored.
    """
    module = _import(location)
    found = [value for value in vars(module).values() if isinstance(value, Resource)]
    if not found:
        raise ConfigurationError(f"INGEST_RESOURCES={location}: it defines no Resource")
    return Registry(found)


def _import(location: str) -> ModuleType:
    try:
        if location.endswith(".py") or "/" in location:
            return _import_file(Path(location))
        return importlib.import_module(location)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"INGEST_RESOURCES={location}: {type(error).__name__}: {error}"
        ) from error


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigurationError(f"INGEST_RESOURCES={path}: there is no such Python file")
    module = importlib.util.module_from_spec(spec)
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.append(folder)  # what stands beside the file can be imported from it
    spec.loader.exec_module(module)
    return module
