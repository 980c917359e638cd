"""The names of operations and schemas: those of their collections, as code writes them."""

import re
from collections.abc import Iterable, Mapping

_ENDINGS = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"))


def type_names(collections: Iterable[str]) -> Mapping[str, str]:
    """For each collection a name such as `SalesOrders`; one that is taken gets a number."""
    found: dict[str, str] = {}
    for collection in collections:
        name = "".join(part[:1].upper() + part[1:] for part in re.split("[_-]+", collection))
        taken, number, free = {*found.values()}, 1, name
        while free in taken:
            number += 1
            free = f"{name}{number}"
        found[collection] = free
    return found


def item_name(name: str, names: Iterable[str]) -> str:
    """What one item is called: `Contact` of `Contacts`; `…Item` where that is no name of its own.

    Args:
        names: those of all collections.
    """
    singular = _singular(name)
    others = {each for each in names if each != name}
    taken = others | {_singular(each) for each in others}
    return f"{name}Item" if singular == name or singular in taken else singular


def _singular(name: str) -> str:
    for plural, ending in _ENDINGS:
        if name.endswith(plural):
            return name.removesuffix(plural) + ending
    return name.removesuffix("s") if name.endswith("s") and not name.endswith("ss") else name
