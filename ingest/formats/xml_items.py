"""The items of a wrapped XML document: `feed/entries/entry` names the way to them."""

from collections.abc import Sequence
from typing import Any

from ingest.errors import MalformedBody
from ingest.formats.limits import Limits, too_many_values
from ingest.formats.xml_elements import Target

_SHOWN = 20  # paths in a message
_LONG = 100  # characters of one


class Unwrapping:
    """Gives a target the elements at one path, as those of a collection; the others say nothing."""

    def __init__(self, target: Target, path: Sequence[str], limits: Limits) -> None:
        """Args: `path` has the local names of elements, from the document's own to the item's."""
        self._target = target
        self._path = [*path]
        self._max_values = limits.max_values
        self._around: list[str] = []
        """The names of the elements that are open, as far as they are not in an item."""
        self._inside = 0
        """How many elements of an item are open, its own included."""
        self._found: dict[str, None] = {}
        """The paths of other elements, as messages show them."""
        self._others = 0
        self._items = 0
        target.start("/".join(path[:-1])[:_LONG] or "document", {})

    @property
    def document(self) -> Any:
        """The list of items, once.

        Raises:
            MalformedBody: there is none.
        """
        if not self._items:
            raise self._nothing()
        self._target.end("")
        return self._target.document

    def doctype(self, *_: Any) -> None:
        self._target.doctype()

    def start(self, tag: str, attributes: Any) -> None:
        if not self._inside:
            self._around.append(tag.rpartition("}")[2])
            if self._around != self._path:
                self._pass()
                return
            self._around.pop()
            self._items += 1
        self._inside += 1
        self._target.start(tag, attributes)

    def data(self, text: str) -> None:
        if self._inside:
            self._target.data(text)

    def end(self, tag: str) -> None:
        if self._inside:
            self._inside -= 1
            self._target.end(tag)
        else:
            self._around.pop()

    def close(self) -> None:
        self._target.close()

    def _nothing(self) -> MalformedBody:
        found = ", ".join(self._found)
        more = " and others" if len(self._found) == _SHOWN else ""
        return MalformedBody(
            f"The body has no element {'/'.join(self._path)[:_LONG]!r}",
            "The query parameter 'items' names them from the document's own element on. "
            f"Found: {found}{more}.",
        )

    def _pass(self) -> None:
        """Note an element that is none of an item."""
        self._others += 1
        if self._others > self._max_values:
            raise too_many_values(self._max_values)
        if len(self._found) < _SHOWN and len(self._around) <= len(self._path):
            self._found["/".join(self._around)[:_LONG]] = None
