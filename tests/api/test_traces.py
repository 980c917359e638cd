"""`X-Trace-Id` on every response and in every log line; `traceparent` is honoured."""

import re
from typing import Any

import structlog
from structlog.testing import capture_logs

from tests.api.shared import BAD, JIM, exchange, head
from tests.harness import Service

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
BOUND = [structlog.contextvars.merge_contextvars]


REQUESTS: list[tuple[str, str, Any]] = [
    ("POST", "/v1/contacts", [JIM]),
    ("POST", "/v1/contacts", [BAD]),
    ("POST", "/v1/nothing", []),
    ("GET", "/v1/contacts", None),
    ("GET", "/v1/contacts/x", None),
    ("GET", "/nowhere", None),
    ("PUT", "/v1/contacts", None),
    ("GET", "/healthz", None),
    ("GET", "/readyz", None),
]
NO_PARENTS = [
    "",
    TRACE,
    f"00-{'0' * 32}-00f067aa0ba902b7-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"ff-{TRACE}-00f067aa0ba902b7-01",
    f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
    f"00-{TRACE}-00f067aa0ba902b7-01-more",
    f"00-{TRACE[1:]}-00f067aa0ba902b7-01",
]


async def test_every_response_has_the_trace_id_of_its_request(service: Service) -> None:
    for method, path, items in REQUESTS:
        given = await service.request(method, path, items, traceparent=PARENT)
        assert given.headers["X-Trace-Id"] == TRACE, path
        replies = [await service.request(method, path, items) for _ in range(2)]
        made = {reply.headers["X-Trace-Id"] for reply in replies}
        assert len(made) == 2, path
        assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in made), path


async def test_a_parent_that_is_none_is_not_honoured(api: Service) -> None:
    for parent in NO_PARENTS:
        reply = await api.get("contacts", traceparent=parent)
        assert re.fullmatch(r"[0-9a-f]{32}", reply.headers["X-Trace-Id"]), parent
        assert reply.headers["X-Trace-Id"] not in (TRACE, "0" * 32), parent


async def test_a_parent_of_a_later_version_is_honoured(api: Service) -> None:
    later = f"01-{TRACE}-00f067aa0ba902b7-01-what-comes"
    assert (await api.get("contacts", traceparent=later)).headers["X-Trace-Id"] == TRACE


async def test_an_error_before_the_body_has_it_too(api: Service) -> None:
    request = head(api, f"traceparent: {PARENT}", "Content-Length: 99999999999")
    reply = await exchange(api, request)
    assert (reply.status, reply.headers["X-Trace-Id"]) == (413, TRACE)


async def test_every_line_about_a_batch_has_the_trace_id_of_its_request(service: Service) -> None:
    with capture_logs(processors=BOUND) as lines:
        reply = await service.post("contacts", [JIM], traceparent=PARENT)
    assert reply.status == 201
    batch = reply.body["metadata"]["batchId"]
    about = [line for line in lines if line.get("batch") == batch or "status" in line]
    assert {line["event"] for line in about} == {"batch finished", "request"}
    for line in about:
        assert line.get("trace_id") == TRACE, line


async def test_a_request_is_logged_once_without_its_items(service: Service) -> None:
    with capture_logs(processors=BOUND) as lines:
        await service.post("contacts", [{**JIM, "email": "private@example.com"}, BAD])
        await service.get("people/private@example.com")
        await service.get("contacts", params={"email": "private@example.com"})
    assert "private" not in str(lines)
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["status"]) for line in requests] == [
        ("POST", 422),
        ("GET", 404),
        ("GET", 200),
    ]
    assert requests[1]["route"] == "/v1/{collection}/{key}"
    assert all(line["milliseconds"] >= 0 for line in requests)
