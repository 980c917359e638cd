"""The command lines of the documentation work as they are, in a shell that has a token."""

import asyncio
import html
import json
import re
import shutil
from typing import Any

import pytest
from marshmallow import Schema, fields

from ingest import Resource
from ingest.settings import Settings
from tests.api.declared import serving
from tests.harness import Service

pytestmark = pytest.mark.skipif(
    shutil.which("curl") is None, reason="there is no curl: `apt-get install curl`"
)


async def commands(service: Service) -> dict[str, dict[str, str]]:
    """The commands of each collection, by their titles."""
    async with service.client.get("/docs") as response:
        page = html.unescape(await response.text())
    _, *parts = re.split(r'<section id="([^"]+)"', page)
    return {
        name: dict(re.findall(r"<h4>(.+?)</h4>\s*<pre[^>]*><code>(.+?)</code>", part, re.DOTALL))
        for name, part in zip(parts[::2], parts[1::2], strict=True)
    }


async def run(service: Service, command: str) -> tuple[int, Any]:
    """Paste a command into a shell; the status and the document that it shows."""
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        f"export TOKEN={service.token}\n{command} --noproxy '*' -w '\\n%{{http_code}}'",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await shell.communicate()
    assert (shell.returncode, err) == (0, b""), command
    body, _, status = out.decode().rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.parametrize("name", ["contacts", "deals", "everything", "guarded"])
async def test_each_command_works_after_the_other(service: Service, name: str) -> None:
    found = (await commands(service))[name]
    assert found.keys() >= {"Save a new item", "Read it by its key", "Delete it"}
    for title, command in found.items():
        status, document = await run(service, command)
        assert status in (200, 201), (title, command, document)
    assert await service.count(name) == 0


async def test_what_a_shell_would_run_is_quoted(empty_database: str, redis_url: str) -> None:
    evil = '\'; echo $(id) `id` "$TOKEN" \\'
    value = fields.String(metadata={"examples": [evil]})
    resource = Resource("hostile", Schema.from_dict({"key": value, "value": value}), key="key")
    settings = Settings(database_url=empty_database, redis_url=redis_url)
    async with serving(settings, resource) as service:
        found = (await commands(service))["hostile"]
        _, saved = await run(service, found["Save a new item"])
        assert saved["data"] == [{"key": evil, "value": evil}]
        _, read = await run(service, found["Read it by its key"])
        assert read["data"] == {"key": evil, "value": evil}


async def test_a_key_that_only_the_service_makes_is_in_no_command(
    empty_database: str, redis_url: str
) -> None:
    schema = Schema.from_dict({"id": fields.Integer(dump_only=True), "name": fields.String()})
    settings = Settings(database_url=empty_database, redis_url=redis_url)
    async with serving(settings, Resource("numbered", schema)) as service:
        found = (await commands(service))["numbered"]
        assert "Delete it" not in found
        for command in found.values():
            status, document = await run(service, command)
            assert status in (200, 201), document
