"""Lists that are read page by page, each behind the last key of the one before."""

from enum import Enum
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.settings import Settings
from tests.api.declared import serving
from tests.api.shared import contact
from tests.harness import Service


class Size(Enum):
    small = "S"
    large = "L"


async def walk(service: Service, path: str) -> tuple[list[dict[str, Any]], int]:
    """All items of a list, by its links, and in how many pages they came."""
    items: list[dict[str, Any]] = []
    pages = 0
    following: str | None = path
    while following is not None:
        page = await service.request("GET", following)
        assert page.status == 200, page.body
        items += page.body["data"]
        pages += 1
        key = page.body["metadata"].get("next")
        links = page.headers.getall("Link")
        link = next((each for each in links if each.endswith('rel="next"')), None)
        assert (key is None) is (link is None)
        following = None
        if link is not None:
            following = link.removeprefix("<").removesuffix('>; rel="next"')
            assert parse_qs(urlsplit(following).query)["after"] == [key]
    return items, pages


async def test_a_walk_sees_each_row_that_was_there_all_the_time_once(service: Service) -> None:
    """Whatever is created and deleted meanwhile, before and behind the place where it is."""
    made = await service.post("contacts", [contact(number) for number in range(40)])
    there = [item["id"] for item in made.body["data"]]
    seen: list[str] = []
    following: str | None = ""
    number = 0
    while following is not None:
        after = f"&after={following}" if following else ""
        page = await service.get(f"contacts?limit=7{after}")
        assert page.body["metadata"]["recordsPerPage"] == 7
        seen += [item["id"] for item in page.body["data"]]
        following = page.body["metadata"].get("next")
        # Before the place: an item that was seen goes. Behind it: another one comes.
        gone = await service.delete("contacts", [seen[number]])
        assert gone.status == 200
        assert (await service.post("contacts", [contact(100 + number)])).status == 201
        number += 1
    assert [key for key in seen if key in there] == there
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        (fields.Date(format="%d/%m/%Y"), ["01/02/2024", "02/01/2024", "29/02/2024"]),
        (fields.DateTime(), ["2024-01-01T00:00:00.000001Z", "2024-01-01T10:00:00+02:00"]),
        (fields.Decimal(as_string=True), ["1.50", "-2", "10"]),
        (fields.Enum(Size, by_value=True), ["S", "L"]),
        (fields.String(), ["a,b", "&x=1", "é", " "]),
        (fields.IP(), ["::1", "1.2.3.4"]),
    ],
)
async def test_keys_of_every_kind_lead_on(
    empty_database: str, redis_url: str, key: fields.Field[Any], values: list[Any]
) -> None:
    settings = Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)
    schema = Schema.from_dict({"key": key})
    async with serving(settings, Resource("things", schema, key="key")) as service:
        made = await service.post("things", [{"key": value} for value in values])
        assert made.status == 201, made.body
        whole = (await service.get("things")).body["data"]
        items, pages = await walk(service, "/v1/things?limit=1")
        assert (items, pages) == (whole, len(values))


async def test_the_way_on_keeps_filters_and_selection(service: Service) -> None:
    items = [contact(number, age=number % 3) for number in range(12)]
    assert (await service.post("contacts", items)).status == 201
    path = "/v1/contacts?limit=2&age=1&age=2&select=meta,-id&offset=1"
    items, pages = await walk(service, path)
    assert ([item["age"] for item in items], pages) == ([2, 1, 2, 1, 2, 1, 2], 4)
    assert all("meta" in item and "id" not in item for item in items)


async def test_what_is_no_key_is_named(service: Service) -> None:
    refused = await service.get("contacts?after=x")
    assert (refused.status, refused.error) == (400, (40002, "invalid_parameter"))
    assert "after" in refused.body["error"]["message"]
    twice = await service.get("contacts?after=x&after=y")
    assert (twice.status, twice.error) == (400, (40002, "invalid_parameter"))


async def test_a_filter_takes_several_values(
    empty_database: str, redis_url: str, service: Service
) -> None:
    await service.post("contacts", [contact(number, age=number) for number in range(5)])
    found = await service.get("contacts?age=1&age=3&age=9&firstName=C1&first_name=C1")
    assert found.status == 400
    found = await service.get("contacts?age=1&age=3&age=9")
    assert [item["age"] for item in found.body["data"]] == [1, 3]
    assert found.body["metadata"]["recordsCount"] == 2
    many = "&".join(f"age={number}" for number in range(101))
    assert (await service.get(f"contacts?{many}")).error == (40002, "invalid_parameter")
    settings = Settings(database_url=empty_database, redis_url=redis_url, poll_delay=0.005)
    schema = Schema.from_dict({"size": fields.Enum(Size, by_value=True)})
    async with serving(settings, Resource("shirts", schema)) as shirts:
        await shirts.post("shirts", [{"size": "S"}, {"size": "L"}, {}])
        both = await shirts.get("shirts?size=S&size=L")
        assert len(both.body["data"]) == 2
        unknown = await shirts.get("shirts?size=XL")
        assert "Its values are S, L." in unknown.body["error"]["description"]
