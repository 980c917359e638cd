"""Every `Resource` that a process serves, and where it is found."""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from types import ModuleType

from ingest.errors import ConfigurationError
from ingest.resources.places import place_of
from ingest.resources.resource import Resource

_MAX_SHOWN = 1_000  # characters of what a user's code says


class Registry(dict[str, Resource]):
    """Every resource that this process serves, by collection name; nothing changes it later."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.databases: dict[int, Resource] = {}
        """By the number that each declares, else by its place, or the next that is free."""
        if not resources:
            raise ConfigurationError("there is no Resource to serve")
        for resource in resources:
            if self.setdefault(resource.name, resource) is not resource:
                raise _refused(resource, f"two resources are called {resource.name!r}")
        summed: dict[str, Resource] = {}
        for resource in resources:
            for name in resource.summaries:
                if summed.setdefault(name, resource) is not resource:
                    raise _refused(
                        resource,
                        f"resources {summed[name].name!r} and {resource.name!r} both declare the "
                        f"summary {name!r}; rename one of them",
                    )
        for resource in self.values():
            number = resource.rpc_id
            if number is not None and self.databases.setdefault(number, resource) is not resource:
                other = self.databases[number].name
                raise _refused(
                    resource,
                    f"resources {other!r} and {resource.name!r} both have the rpc_id {number}",
                )
        for place, resource in enumerate(self.values(), 1):
            if resource.rpc_id is None:
                free = next(each for each in count(place) if each not in self.databases)
                self.databases[free] = resource


def _refused(resource: Resource, reason: str) -> ConfigurationError:
    return ConfigurationError(f"{resource.place}: {reason}" if resource.place else reason)


def load_registry(location: str) -> Registry:
    """Collect every `Resource` of a module (`crm`) or a file (`./crm.py`).

    Raises:
        ConfigurationError: nothing is there, it cannot be imported, or a schema cannot be stored;
            the message names the file and the line, where there is one.
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
    except (Exception, SystemExit) as error:
        message = str(error)
        if isinstance(error, SyntaxError):
            message = error.msg  # the place of it apart
        if not isinstance(error, ConfigurationError):
            message = f"{type(error).__name__}: {message}"
        place = place_of(error)
        if place is not None:
            message = f"{place}: {message}"
        elif not isinstance(error, ConfigurationError):
            message = f"INGEST_RESOURCES={location}: {message}"
        raise ConfigurationError(" ".join(message.split())[:_MAX_SHOWN]) from error


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigurationError(f"INGEST_RESOURCES={path}: there is no such Python file")
    module = importlib.util.module_from_spec(spec)
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.append(folder)  # what stands beside the file can be imported from it
    spec.loader.exec_module(module)
    return module
