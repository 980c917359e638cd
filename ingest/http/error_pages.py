"""GET /docs: the collections and their errors.

GET /docs/errors/{name}: what an error means, what to do, and how each dialect tells it.
"""

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from http import HTTPStatus
from string import Template

import orjson
from aiohttp import web

from ingest.dialects import DEFAULT, DIALECTS, PROBLEMS
from ingest.dialects.answer import Answer, Context, Dialect, Told
from ingest.dialects.samples import samples
from ingest.error_help import HELP
from ingest.errors import ITEM_CODES, request_errors
from ingest.http.documentation import documentation
from ingest.http.links import public_base
from ingest.http.service import SERVICE, Service
from ingest.resources.possible_errors import possible_errors
from ingest.resources.resource import Resource
from ingest.settings import Settings

_CODES = {each.name: each.code for each in (*request_errors(), *ITEM_CODES.values())}
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "pre{overflow:auto;padding:1rem;background:#eee}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
_ALL_ERRORS = '<a href="/docs/errors">All errors</a>'
_PAGE = Template(
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    f"<title>$title</title><style>{_STYLE}</style></head>\n<body>\n$body\n</body></html>\n"
)


@documentation
async def list_collections(request: web.Request) -> web.Response:
    """Each collection: its numbers in the dialect `rpc`, and the errors that it can give."""
    service = request.app[SERVICE]
    numbers = {resource.name: number for number, resource in service.registry.databases.items()}
    body = "\n".join(
        _collection(resource, numbers[name], service.settings)
        for name, resource in service.registry.items()
    )
    return _page("Collections", f"<h1>Collections</h1>\n{body}\n<p>{_ALL_ERRORS}</p>")


def _collection(resource: Resource, number: int, settings: Settings) -> str:
    possible = possible_errors(resource, settings)
    name = escape(resource.name)
    unique = "; ".join(
        escape(", ".join(field.data_key for field in group))
        for group in ((resource.key,), *resource.unique)
    )
    resources = ", ".join(map(str, resource.rpc_resources))
    return (
        f'<h2 id="{name}">{name}</h2>\n'
        f"<p>/v1/{name}; dialect rpc: db_id {number}, resource_id {resources}</p>\n"
        f"<p>Unique: {unique}</p>\n<ul>{_links(possible)}</ul>"
    )


def _links(codes: frozenset[int]) -> str:
    """The errors of these codes, and the name for errors of several codes."""
    return "".join(
        f'<li><a href="/docs/errors/{name}">{name}</a> {_CODES.get(name, "")}</li>'
        for name in HELP
        if name not in _CODES or _CODES[name] in codes
    )


async def list_errors(_: web.Request) -> web.Response:
    """Every error, and the codes of dialects that are no errors."""
    every = f"<ul>{_links(frozenset(_CODES.values()))}</ul>"
    collections = '<p><a href="/docs">Errors of each collection</a></p>'
    others = (
        f"<h2>Dialect {name}</h2>\n<p>{code}: {escape(meaning)}</p>"
        for name, dialect in DIALECTS.items()
        for code, meaning in dialect.codes
    )
    return _page("Errors", "<h1>Errors</h1>\n" + "\n".join((every, *others, collections)))


async def show_error(request: web.Request) -> web.Response:
    """One error: its meaning, its remedy, and the answer that has it in each dialect."""
    name = request.match_info["name"]
    if name not in HELP:
        raise web.HTTPNotFound
    meaning, remedy = HELP[name]
    code = f"<p>Code {_CODES[name]}</p>\n" if name in _CODES else ""
    body = (
        f"<h1>{name}</h1>\n{code}<p>{escape(meaning)}</p>\n"
        f"<h2>What to do</h2>\n<p>{escape(remedy)}</p>\n"
        + "\n".join(_told(name, request.app[SERVICE], public_base(request)))
        + f"\n<p>{_ALL_ERRORS}</p>"
    )
    return _page(name, body)


def _told(name: str, service: Service, base: str) -> Iterator[str]:
    """A section for each dialect and each thing that it is an error of."""
    presenter = next(iter(service.presenters.values()))
    for subject, answer in samples(name, presenter).items():
        for title, dialect in _dialects():
            context = Context(collection="contacts", extension=True, docs=f"{base}/docs/errors/")
            yield _section(f"Error of {subject}: {title}", answer, dialect.tell(answer, context))


def _dialects() -> Iterator[tuple[str, Dialect]]:
    yield "the default", DEFAULT
    for name, dialect in DIALECTS.items():
        yield f"dialect {name}", dialect
    problem = PROBLEMS[None]
    yield str(problem.media_type), problem


def _section(title: str, answer: Answer, told: Told) -> str:
    status = HTTPStatus(told.status)
    body = orjson.dumps(told.document, option=orjson.OPT_INDENT_2).decode()
    return (
        f"<h2>{escape(title)}</h2>\n<p>HTTP {status.value} {status.phrase}</p>\n"
        f"<pre>{escape(body)}</pre>"
    )


def _page(title: str, body: str) -> web.Response:
    text = _PAGE.substitute(title=title, body=body)
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)
