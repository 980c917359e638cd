"""GET /docs/errors: every error, and the codes of dialects that are no errors.

GET /docs/errors/{name}: what an error means, what to do, and how each dialect tells it.

Answers link to these pages, which say nothing of this service's collections: they are for everyone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from aiohttp import web

from ingest.describe.collection import PossibleError
from ingest.dialects import DEFAULT, DIALECTS, PROBLEMS
from ingest.dialects.answer import Answer, Context, Dialect
from ingest.dialects.samples import samples
from ingest.error_help import HELP
from ingest.errors import INVALID_ITEMS, ITEM_CODES, request_errors
from ingest.http.documentation import BASE, html, made_once
from ingest.http.service import SERVICE, Service

_OF_REQUESTS = {each.name: each.code for each in request_errors()}
_OF_ITEMS = {each.name: each.code for each in ITEM_CODES.values()}
_CODES = _OF_REQUESTS | _OF_ITEMS
_CONTEXT = Context(collection="contacts", extension=True, docs=f"{BASE}/docs/errors/")
_WHEN = "2026-11-29T10:30:00.000Z"


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer with an error, as a dialect tells it."""

    title: str
    status: str
    body: str


async def list_errors(request: web.Request) -> web.Response:
    return await made_once(request, lambda: _list(request.app[SERVICE]))


def _list(service: Service) -> str:
    groups = {
        "Errors of a request as a whole": [*_described(_OF_REQUESTS)],
        "Errors of an item": [*_described(_OF_ITEMS), *_described({INVALID_ITEMS: 0})],
    }
    dialects = {name: each.codes for name, each in DIALECTS.items() if each.codes}
    return html(service, "errors.html", groups=groups, dialects=dialects)


def _described(codes: Mapping[str, int]) -> Iterator[PossibleError]:
    for name, code in sorted(codes.items(), key=lambda each: each[1]):
        yield PossibleError(name, code, *HELP[name])


async def show_error(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in HELP:
        raise web.HTTPNotFound
    return await made_once(request, lambda: _error(name, request.app[SERVICE]))


def _error(name: str, service: Service) -> str:
    meaning, remedy = HELP[name]
    presenter = next(iter(service.presenters.values()))
    subjects = {
        subject: [_told(title, dialect, answer) for title, dialect in _dialects()]
        for subject, answer in samples(name, presenter).items()
    }
    return html(
        service,
        "error.html",
        name=name,
        code=_CODES.get(name),
        meaning=meaning,
        remedy=remedy,
        subjects=subjects,
    )


def _dialects() -> Iterator[tuple[str, Dialect]]:
    yield "The default", DEFAULT
    for name, dialect in DIALECTS.items():
        yield f"Dialect {name}", dialect
    problem = PROBLEMS[None]
    yield str(problem.media_type), problem


def _told(title: str, dialect: Dialect, answer: Answer) -> _Told:
    answer.document["timestamp"] = _WHEN  # the page is the same from every process
    told = dialect.tell(answer, _CONTEXT)
    status = HTTPStatus(told.status)
    body = orjson.dumps(told.document, option=orjson.OPT_INDENT_2).decode()
    return _Told(title, f"{status.value} {status.phrase}", body)
