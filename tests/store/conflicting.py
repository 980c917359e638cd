"""What tests of conflicts share: contacts by number, and short ways to store and to look."""

from typing import Any

from tests.harness import Reply, Service

STRICT, LENIENT = "handling=strict", "handling=lenient"
MERGE, IGNORE = "resolution=merge-duplicates", "resolution=ignore-duplicates"

ID = "00000000-0000-7000-8000-00000000000{}".format


def contact(number: int, **fields: Any) -> dict[str, Any]:
    """The contact of a number; fields that are given replace its own."""
    return {
        "id": ID(number),
        "email": f"{number}@example.com",
        "first_name": f"Name {number}",
        **fields,
    }


async def store(service: Service, collection: str, *items: Any) -> None:
    """Save new items, which must be possible."""
    reply = await service.post(collection, list(items))
    assert reply.status == 201, reply.body


async def versions(service: Service, collection: str, key: str = "id") -> dict[Any, int]:
    """The version of every stored item, by key."""
    reply = await service.get(collection, params={"select": "meta"})
    return {item[key]: item["meta"]["version"] for item in reply.body["data"]}


def counts(reply: Reply) -> tuple[int, int, int, int]:
    """How many items were created, updated, unchanged and deleted."""
    metadata = reply.body["metadata"]
    return tuple(metadata[name] for name in ("created", "updated", "unchanged", "deleted"))
