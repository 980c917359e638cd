"""`Prefer` and `Preference-Applied` (contract 2, RFC 7240)."""

from ingest.store.pool import Pool
from tests.api.shared import JIM, NOTHING, contact, exchange, head, written
from tests.harness import Service

ILLEGAL = [
    "return=none",
    "return",
    'return=""',
    "wait=soon",
    "wait=-1",
    "wait=1.5",
    "wait",
    'wait=""',
    "respond-async=yes",
    "replay=always",
    "replay",
    "handling=perhaps",
    "resolution=merge",
    "return=minimal, wait=x",
    "foo=bar; wait=1, wait=x",
]


async def test_a_known_preference_with_an_illegal_value_is_refused(
    api: Service, operator: Pool
) -> None:
    for prefer in ILLEGAL:
        reply = await api.post("contacts", [JIM], prefer=prefer)
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter")), prefer
    assert await written(operator) == NOTHING


async def test_bytes_that_are_no_text_are_refused(api: Service) -> None:
    for value in (b'return="\xff"', b"wait=\xff", b"\xff"):
        start = head(api, "Content-Length: 2", "Prefer: @").replace(b"@", value)
        reply = await exchange(api, start + b"[]")
        assert (reply.status, reply.error) == (400, (40002, "invalid_parameter"))


UNKNOWN = ("foo", "foo=bar", 'x-y="a, b"; c=d', "no-root, foo; wait=5", "", ",", "wait-for=3")


async def test_unknown_preferences_are_ignored(service: Service) -> None:
    for prefer in UNKNOWN:
        reply = await service.post("contacts", [], prefer=prefer)
        assert reply.status == 201, prefer
        assert "Preference-Applied" not in reply.headers, prefer
        assert "data" in reply.body, prefer


WAYS = [
    "return=minimal",
    "Return=minimal",
    'return="minimal"',
    "return = minimal",
    "foo=bar, return=minimal; x=y",
    "return=minimal, return=representation",
    ",,return=minimal",
]


async def test_ways_of_writing_a_preference(service: Service) -> None:
    for prefer in WAYS:
        reply = await service.post("contacts", [], prefer=prefer)
        assert reply.status == 201, prefer
        assert reply.headers["Preference-Applied"] == "return=minimal", prefer
        assert "data" not in reply.body, prefer


async def test_several_headers_are_one(service: Service) -> None:
    lines = ("Prefer: wait=10", "Prefer: return=minimal, foo", "Content-Length: 2")
    reply = await exchange(service, head(service, *lines) + b"[]")
    assert reply.status == 201
    applied = {part.strip() for part in reply.headers["Preference-Applied"].split(",")}
    assert applied == {"wait=10", "return=minimal"}


async def test_representation_is_the_default_and_may_be_said(service: Service) -> None:
    reply = await service.post("contacts", [contact(1)], prefer="return=representation")
    assert reply.headers["Preference-Applied"] == "return=representation"
    assert len(reply.body["data"]) == 1
    assert "Preference-Applied" not in (await service.post("contacts", [contact(2)])).headers


async def test_a_wait_beyond_the_longest_is_applied_as_that(service: Service) -> None:
    for asked, applied in (("wait=5", "wait=5"), ("wait=100", "wait=60"), ("wait=60", "wait=60")):
        reply = await service.post("contacts", [], prefer=asked)
        assert reply.headers["Preference-Applied"] == applied
