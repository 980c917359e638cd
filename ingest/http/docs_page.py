"""GET /docs: how to begin, and each collection with its rules, commands and errors."""

from aiohttp import web

from ingest.describe.collection import collection_page
from ingest.describe.examples import example_of
from ingest.describe.json_schema import Kind, json_schema
from ingest.http.documentation import BASE, documentation, html, made_once
from ingest.http.service import SERVICE, Service


@documentation
async def show_docs(request: web.Request) -> web.Response:
    return await made_once(request, lambda: _docs(request.app[SERVICE]))


def _docs(service: Service) -> str:
    numbers = {resource.name: number for number, resource in service.registry.databases.items()}
    collections = [
        collection_page(
            resource,
            example_of(resource, json_schema(resource, Kind.CREATE, BASE)),
            number=numbers[name],
            settings=service.settings,
            base=BASE,
        )
        for name, resource in service.registry.items()
    ]
    return html(service, "docs.html", collections=collections, settings=service.settings)
