"""Puts the points of `tests.chaos.faults` around public functions of the service, from outside.

A process of an experiment wraps them while it imports them (`install`, called by
`injected/sitecustomize.py`); a test wraps those of its own process (`injected`). A function that is
not there is an error.
"""

import asyncio
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Protocol
from unittest import mock

from tests.chaos.faults import Point

_ROOTS = ("ingest", "workers")


class Suffering(Protocol):
    """What happens at the points: `Faults`, or what a test makes happen there."""

    async def reached(self, point: Point) -> None: ...


class Held:
    """Holds the first that reaches a point, until it is let go.

    Attributes:
        there: set once the point is reached.
        go: lets it go on.
    """

    def __init__(self, point: Point) -> None:
        self._point = point
        self.there = asyncio.Event()
        self.go = asyncio.Event()

    async def reached(self, point: Point) -> None:
        if point is self._point and not self.there.is_set():
            self.there.set()
            await self.go.wait()


def _always(result: object) -> bool:
    return True


def _was_free(claimed: object) -> bool:
    return claimed is None


@dataclass(frozen=True)
class Target:
    """A coroutine function of the service, with the points that are around it.

    `name` is a function of the module, a method such as `Doorbell.ring`, or `*.claim` for that
    method of the last class of the module that has one. Points after it are reached where its
    result passes `when`.
    """

    module: str
    name: str
    before: Sequence[Point] = ()
    after: Sequence[Point] = ()
    when: Callable[[Any], bool] = _always

    @property
    def last_name(self) -> str:
        return self.name.rpartition(".")[2]

    def function(self) -> Any:
        """The function as it is now. Raises as `owner` does."""
        return getattr(self.owner(), self.last_name)

    def owner(self) -> Any:
        """The imported module or class that has the function.

        Raises:
            LookupError: there is none.
        """
        module = importlib.import_module(self.module)
        path, name = self.name.rpartition(".")[0], self.last_name
        if path == "*":
            classes = [each for each in vars(module).values() if inspect.isclass(each)]
            own = [each for each in classes if each.__module__ == self.module]
            owner = next((each for each in reversed(own) if name in vars(each)), None)
        else:
            owner = getattr(module, path, None) if path else module
        if not inspect.iscoroutinefunction(getattr(owner, name, None)):
            raise LookupError(f"{self.module} has no coroutine function {self.name}")
        return owner

    def wrapped(self, faults: Suffering) -> Any:
        """The function with its points around it."""
        original = self.function()

        @functools.wraps(original)
        async def wrapper(*arguments: Any, **options: Any) -> Any:
            for point in self.before:
                await faults.reached(point)
            result = await original(*arguments, **options)
            if self.when(result):
                for point in self.after:
                    await faults.reached(point)
            return result

        return wrapper


TARGETS = (
    Target("ingest.batches.idempotency", "*.claim", after=[Point.AFTER_CLAIM], when=_was_free),
    Target("ingest.store.staging", "save", after=[Point.AFTER_STAGE]),
    Target("ingest.store.receiving", "settle", after=[Point.AFTER_STAGE]),
    Target("ingest.store.repair", "add", after=[Point.AFTER_STAGE]),
    Target("ingest.store.repair", "merge", after=[Point.AFTER_STAGE]),
    Target("ingest.batches.doorbell", "*.ring", [Point.BEFORE_RING], [Point.AFTER_RING]),
    Target("ingest.store.group_commit", "apply_group", after=[Point.BEFORE_COMMIT]),
    Target("ingest.store.commit", "apply_batch", after=[Point.BEFORE_COMMIT]),
    Target("ingest.batches.doorbell", "*.announce", [Point.AFTER_COMMIT, Point.BEFORE_PUBLISH]),
    Target("ingest.http.writes", "respond", [Point.BEFORE_REPLY]),
    Target("ingest.http.repairs", "respond", [Point.BEFORE_REPLY]),
)


def install(faults: Suffering) -> None:
    """Wrap the targets of this process, each while its module is imported.

    Raises:
        LookupError: one of the modules is not there.
    """
    sys.meta_path.insert(0, _Wrapping(faults))
    for target in TARGETS:
        if find_spec(target.module) is None:
            raise LookupError(f"there is no module {target.module}")


class _Wrapping(MetaPathFinder):
    """Finds the modules of the targets as others do, and wraps functions once they are there."""

    def __init__(self, faults: Suffering) -> None:
        self._faults = faults

    def find_spec(
        self, fullname: str, path: Any, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        targets = [each for each in TARGETS if each.module == fullname]
        others = (each for each in sys.meta_path if each is not self) if targets else ()
        spec = next(filter(None, (each.find_spec(fullname, path, target) for each in others)), None)
        if spec is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def execute_and_wrap(module: ModuleType) -> None:
                execute(module)
                for each in targets:
                    setattr(each.owner(), each.last_name, each.wrapped(self._faults))

            loader.exec_module = execute_and_wrap
        return spec


@contextmanager
def injected(faults: Suffering) -> Iterator[None]:
    """Wrap the targets of this process, under every name that a module of the service has for them.

    What is made of a function before, such as a partial of it, is not wrapped.
    """
    with ExitStack() as stack:
        for target in TARGETS:
            original, wrapper, name = target.function(), target.wrapped(faults), target.last_name
            stack.enter_context(mock.patch.object(target.owner(), name, wrapper))
            if original.__module__ == target.module:
                for module in _importers(original, name):
                    stack.enter_context(mock.patch.object(module, name, wrapper))
        yield


def _importers(function: Any, name: str) -> list[ModuleType]:
    return [
        module
        for path, module in list(sys.modules.items())
        if path.partition(".")[0] in _ROOTS and vars(module).get(name) is function
    ]
