"""Generated text as a function of Python's own: compiled, named, shown by tracebacks."""

import itertools
import linecache
import re
import weakref
from collections.abc import Callable
from typing import Any

from ingest.validation.engine.source import Source

_numbers = itertools.count(1)


def make_function(
    placeholder: str, hint: str, source: Source, names: dict[str, Any]
) -> tuple[Callable[..., Any], str]:
    """The function that `source` defines, and its text.

    Args:
        placeholder: its name in `source`.
        hint: what it is for, a schema's name for example; becomes part of its name.
        source: one function, with every object that it has bound.
        names: further objects by the names that stand for them in it.
    """
    name = f"{placeholder}_" + re.sub(r"\W", "_", hint, flags=re.ASCII)
    text = source.text().replace(f"def {placeholder}(", f"def {name}(", 1)
    namespace = {**names, **source.names}
    filename = f"<{name} {next(_numbers)}>"
    exec(compile(text, filename, "exec"), namespace)  # noqa: S102 - the text is ours, see source.py
    function = namespace[name]
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    weakref.finalize(function, linecache.cache.pop, filename, None).atexit = False
    return function, text
