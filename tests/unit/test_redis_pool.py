"""Which Redis a URL names: of a user with few rights, behind TLS, of sentinels, of a cluster."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from aiohttp.test_utils import TestClient, TestServer
from redis.asyncio import Redis

from ingest.app import create_app
from ingest.environment import read_settings
from ingest.errors import ConfigurationError
from ingest.processes.port import free_port
from ingest.processes.valkey import EmbeddedValkey
from ingest.redis import open_redis
from ingest.settings import Settings
from ingest.store.pool import Pool
from ingest.store.tokens import create_token
from tests.harness import REGISTRY, Service
from tests.processes import running
from tests.waiting import until
from workers.settings import open_committer, running_worker

PAGE = Path(__file__).parents[2] / "docs" / "deploy" / "redis.md"
JIM = {"email": "jim@example.com", "first_name": "Jim"}
ANN = {"email": "ann@example.com", "first_name": "Ann"}


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A server with the user of the documentation."""
    folder = tmp_path / "guarded"
    folder.mkdir()
    server = EmbeddedValkey(folder, {"aclfile": str(folder / "users.acl")})
    (rule,) = (line for line in PAGE.read_text().splitlines() if line.startswith("user "))
    (folder / "users.acl").write_text(f"user default on >{server.password} ~* &* +@all\n{rule}\n")
    with running(server):
        yield server


async def test_the_documented_user_has_the_rights_that_the_service_needs(
    guarded: EmbeddedValkey, settings: Settings, operator: Pool
) -> None:
    limits = {"rate_limit": "1000/second", "account_rate_limit": "10000/hour"}
    url = f"redis://ingest:PASSWORD@127.0.0.1:{guarded.port}/0"
    confined = replace(settings, redis_url=url, sweep_after=0.01, sweep_interval=0.01, **limits)  # type: ignore[arg-type]
    _, token = await create_token(operator, "acme", "tests")
    app = create_app(confined, REGISTRY)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        api = Service(client, token)
        assert (await api.post("contacts", [ANN], prefer="wait=0")).status == 202
        async with open_committer(confined, REGISTRY) as committer, running_worker(committer):
            assert (await api.post("contacts", [JIM], idempotency_key="k")).status == 201
            again = await api.post("contacts", [JIM], idempotency_key="k")
            assert again.error == (40901, "idempotency_replayed")

            async def swept() -> bool:
                return await api.count("contacts") == 2

            await until(swept)
        async with client.get("/readyz") as response:
            assert (response.status, (await response.json())["checks"]["redis"]) == (200, "ready")
    with redis.Redis.from_url(guarded.url) as admin:
        assert admin.acl_log() == []


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for `localhost`, in a file with its key."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    file = tmp_path / "localhost.pem"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    names = ("-addext", "subjectAltName=DNS:localhost")
    key = tmp_path / "key.pem"
    files = ("-keyout", str(key), "-out", str(file))
    subprocess.run([*made.split(), *names, *files], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + key.read_bytes())
    return file


@asynccontextmanager
async def with_tls(server: EmbeddedValkey, certificate: Path) -> AsyncIterator[int]:
    """A port that speaks TLS for a server."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.close()

    async def serve(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.gather(copy(client, writer), copy(reader, to_client), return_exceptions=True)

    front = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with front:
        yield front.sockets[0].getsockname()[1]
        front.close()


async def test_tls_takes_the_certificate_of_the_host_alone(
    valkey_server: EmbeddedValkey, settings: Settings, certificate: Path
) -> None:
    states: dict[str, str] = {}
    async with with_tls(valkey_server, certificate) as port:
        for host, options in (
            ("localhost", f"?ssl_ca_certs={certificate}"),
            ("127.0.0.1", f"?ssl_ca_certs={certificate}"),
            ("localhost", ""),
        ):
            url = f"rediss://:{valkey_server.password}@{host}:{port}/0{options}"
            async with open_redis(replace(settings, redis_url=url)) as link:
                states[host + options[:8]] = await link.state()
    assert states["localhost?ssl_ca_"] == "ready"
    assert states["localhost"].startswith("has a certificate that is not trusted: self")
    other = "has a certificate that is not trusted: IP address mismatch"
    assert states["127.0.0.1?ssl_ca_"].startswith(other)


def test_a_node_of_a_cluster_is_refused_at_the_start(settings: Settings, tmp_path: Path) -> None:
    async def opened(url: str) -> None:
        async with open_redis(replace(settings, redis_url=url)):
            pass

    with (
        running(EmbeddedValkey(tmp_path / "node", {"cluster-enabled": "yes"})) as node,
        pytest.raises(ConfigurationError, match="names a node of a cluster"),
    ):
        asyncio.run(opened(node.url))


@pytest.mark.parametrize("option", ["?bogus=1", "?socket_timeout=soon"])
@pytest.mark.parametrize("scheme", ["redis://h:1/0", "redis+sentinel://h:1/name/0"])
async def test_an_option_that_there_is_not_is_refused(
    scheme: str, option: str, settings: Settings
) -> None:
    with pytest.raises(ConfigurationError, match="INGEST_REDIS_URL has an option"):
        async with open_redis(replace(settings, redis_url=scheme + option)):
            pass


@asynccontextmanager
async def sentinel(watched: EmbeddedValkey, folder: Path) -> AsyncIterator[int]:
    """The port of a sentinel of its own password, to which the server is `main`."""
    port = free_port()
    (folder / "sentinel.conf").write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\nrequirepass guard\n"
        f"sentinel monitor main 127.0.0.1 {watched.port} 1\n"
        f"sentinel auth-pass main {watched.password}\n"
    )
    command = [watched.binary(), str(folder / "sentinel.conf"), "--sentinel"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with Redis(port=port, password="guard") as client:

            async def answers() -> bool:
                try:
                    return bool(await client.ping())
                except redis.ConnectionError:
                    return False

            await until(answers)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def test_sentinels_name_the_primary_also_after_a_failover(
    settings: Settings, tmp_path: Path
) -> None:
    old = EmbeddedValkey(tmp_path / "old")
    new = EmbeddedValkey(tmp_path / "new")
    async with old, new, sentinel(old, tmp_path) as port:
        # The password of both: as behind sentinels, where either may become the primary.
        async with Redis.from_url(new.url) as to_new:
            await to_new.config_set("requirepass", old.password)
        url = (
            f"redis+sentinel://:{old.password}@127.0.0.1:1,127.0.0.1:{port}/main/0"
            "?sentinel_password=guard"
        )
        async with open_redis(replace(settings, redis_url=url)) as link:
            client = Redis(connection_pool=link.pool)
            assert await link.state() == "ready"
            await link.call(lambda: client.set("of", "old"))
            async with Redis(port=port, password="guard") as to_sentinel:
                await to_sentinel.execute_command("SENTINEL", "REMOVE", "main")
                monitor = ("main", "127.0.0.1", new.port, 1)
                await to_sentinel.execute_command("SENTINEL", "MONITOR", *monitor)
            async with Redis.from_url(old.url) as to_old:
                await to_old.replicaof("127.0.0.1", new.port)

            async def on_the_new_one() -> bool:
                if await link.state() != "ready":  # the old one refuses to be written to
                    return False
                return await link.call(lambda: client.get("of")) is None

            await until(on_the_new_one)


@pytest.mark.parametrize("scheme", ["redis+sentinel", "rediss+sentinel"])
async def test_sentinels_that_are_away_do_not_answer(scheme: str, settings: Settings) -> None:
    url = f"{scheme}://user:pw@127.0.0.1:1,127.0.0.1:2/main/0?ssl_ca_certs=/etc/ssl/ca.pem"
    if scheme == "redis+sentinel":
        url = url.partition("?")[0]
    async with open_redis(replace(settings, redis_url=url)) as link:
        assert await link.state() == "does not answer"


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("redis+sentinel://one,two:26379/main", True),
        ("rediss+sentinel://user:pw@[::1]:1,two/main/3?sentinel_password=x", True),
        ("redis+sentinel://one,two", False),
        ("redis+sentinel://one:x/main", False),
        ("redis+sentinel:///main", False),
    ],
)
def test_urls_of_sentinels(url: str, taken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_REDIS_URL", url)
    if taken:
        assert urlsplit(read_settings(database_url="").redis_url).scheme == urlsplit(url).scheme
    else:
        with pytest.raises(ConfigurationError, match="INGEST_REDIS_URL"):
            read_settings(database_url="")
