"""A group of failures as answers show it, with its cause and its remedy."""

from typing import Any

from ingest.digest.groups import Group
from ingest.digest.marks import ABSENT, LEFT_OUT
from ingest.digest.shown import MOST_FIELDS, shown, some
from ingest.digest.trials import Cause, Tried


def group_document(
    group: Group, cause: Cause | None, remedy: str | None, *, items: int
) -> dict[str, Any]:
    """A group.

    Args:
        remedy: the id of its remedy; None where there is none.
        items: the items that failed in all.
    """
    document: dict[str, Any] = {
        "code": group.code.code,
        "name": group.code.name,
        "type": group.code.type,
        "field": group.place.like,
        "rule": group.rule,
        "count": group.count,
        "share": round(group.count / items, 4),
        "indices": group.indices,
        "examples": group.examples,
    }
    if cause is not None:
        document["cause"] = _cause(cause)
        if remedy is not None:
            document["remedy"] = {
                "id": remedy,
                "transform": dict(cause.tried.transform.document),
                "heals": cause.tried.heals,
                "leaves": group.count - cause.tried.heals,
                **_example(cause.tried),
            }
    return document


def _cause(cause: Cause) -> dict[str, Any]:
    transform = cause.tried.transform
    document = {
        "name": transform.cause,
        "message": transform.unclear if cause.ambiguous else transform.says,
        "ambiguous": bool(cause.ambiguous),
        **transform.more,
    }
    if cause.ambiguous:
        document["readings"] = [
            {"transform": dict(each.transform.document), "heals": each.heals, **_example(each)}
            for each in (cause.tried, *cause.ambiguous)
        ]
    return document


def _example(tried: Tried) -> dict[str, Any]:
    """What changes of the first item that is healed: before, and after."""
    if tried.example is None:
        return {}
    item, mended = tried.example
    if type(item) is list:
        return {"before": shown(item), "after": some(mended)}
    if mended is LEFT_OUT:
        return {"before": some(item), "after": None}
    changed = [
        name
        for name in dict.fromkeys([*item, *mended])
        if item.get(name, ABSENT) is not mended.get(name, ABSENT)
    ][:MOST_FIELDS]
    return {
        "before": {name: shown(item[name]) for name in changed if name in item},
        "after": {name: shown(mended[name]) for name in changed if name in mended},
    }
