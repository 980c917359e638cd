"""`ingest dev`: what a user sees, what dies and comes back, what is left when it stops."""

import itertools
import json
import os
import re
import shlex
import signal
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.processes import runs

if TYPE_CHECKING:
    from conftest import Dev

StartDev = Callable[..., "Dev"]
pytestmark = pytest.mark.timeout(240)


def airport(code: str, **changed: object) -> dict[str, Any]:
    return {
        "iata": code,
        "name": "Somewhere",
        "city": None,
        "country": "Nowhere",
        "latitude": 1.5,
        "longitude": -2.5,
        **changed,
    }


_numbers = itertools.count()


@pytest.fixture
def code() -> str:
    """An airport code that no other test of this module uses."""
    return f"T{next(_numbers):03d}"


def test_the_ready_file_says_where_everything_is(dev: "Dev") -> None:
    ready = dev.ready
    assert sorted(ready) == ["databaseUrl", "pids", "redisUrl", "token", "url"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", ready["url"])
    assert ready["databaseUrl"].startswith("postgresql://postgres:")
    assert ready["redisUrl"].startswith("redis://")
    counts = {kind: len(pids) for kind, pids in ready["pids"].items()}
    assert counts == {"api": 2, "worker": 2, "postgres": 1, "redis": 1}
    assert all(runs(pid) for pids in ready["pids"].values() for pid in pids)
    assert stat.S_IMODE(dev.ready_file.stat().st_mode) == 0o600


def test_it_is_ready_when_it_says_so(dev: "Dev") -> None:
    assert dev.request("GET", "/readyz").status == 200


def test_an_item_goes_in_and_comes_out(dev: "Dev", code: str) -> None:
    saved = dev.request("POST", "/v1/airports", [airport(code)])
    assert (saved.status, saved.body["result"]) == (201, "success")
    assert dev.request("GET", f"/v1/airports/{code}").body["data"]["name"] == "Somewhere"


def test_the_services_are_no_superusers(dev: "Dev") -> None:
    """Their login cannot bypass row-level security."""
    for pid in (*dev.pids["api"], *dev.pids["worker"]):
        environment = psutil.Process(pid).environ()
        assert environment["INGEST_DATABASE_URL"].startswith("postgresql://ingest_dev:")


def test_no_secret_is_an_argument_of_a_process(dev: "Dev") -> None:
    ready = dev.ready
    secrets = [ready["token"], *(ready[name].split("@")[0] for name in ("databaseUrl", "redisUrl"))]
    secrets = [secret.rsplit(":", 1)[-1] for secret in secrets]
    for pids in dev.pids.values():
        for pid in pids:
            line = " ".join(psutil.Process(pid).cmdline())
            assert not any(secret in line for secret in secrets)


@pytest.mark.parametrize("kind", ["api", "worker", "redis", "postgres"])
def test_a_part_that_is_killed_comes_back(dev: "Dev", kind: str, code: str) -> None:
    before = dev.ready
    killed = dev.pids[kind][0]
    os.kill(killed, signal.SIGKILL)
    dev.until(lambda: killed not in dev.pids[kind], f"another {kind} in the ready file")
    after = dev.ready
    assert len(after["pids"][kind]) == len(before["pids"][kind])
    assert all(map(runs, after["pids"][kind]))
    for unchanged in ("url", "token", "databaseUrl", "redisUrl"):
        assert after[unchanged] == before[unchanged]

    def accepted() -> bool:
        answer = dev.request("POST", "/v1/airports", [airport(code)], Idempotency_Key=f'"{code}"')
        assert answer.status in (201, 202, 409, 503), answer
        return answer.status != 503

    dev.until(accepted, "a batch accepted")
    dev.until(lambda: dev.request("GET", f"/v1/airports/{code}").status == 200, "it is saved")


def test_stopping_leaves_nothing_and_starting_again_finds_everything(start_dev: StartDev) -> None:
    first = start_dev().wait_ready()
    token = first.ready["token"]
    sent = first.request("POST", "/v1/airports", [airport("AAA")], Idempotency_Key="one")
    assert sent.status == 201
    first.stop(signal.SIGTERM)

    again = start_dev().wait_ready()
    assert again.ready["token"] == token
    assert again.request("GET", "/v1/airports/AAA").status == 200
    replayed = again.request("POST", "/v1/airports", [airport("AAA")], Idempotency_Key="one")
    assert (replayed.status, replayed.body["error"]["code"]) == (409, 40901)
    again.stop()


def test_ctrl_c_stops_cleanly(start_dev: StartDev) -> None:
    start_dev().wait_ready().stop(signal.SIGINT)


def test_the_printed_line_can_be_pasted(dev: "Dev") -> None:
    (line,) = [line for line in dev.output.splitlines() if line.strip().startswith("curl ")]
    answer = subprocess.run(
        shlex.split(line), capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(answer.stdout)["result"] == "success"
    assert dev.request("GET", "/v1/airports/BER").status == 200


def test_a_signal_while_it_starts_leaves_nothing(start_dev: StartDev) -> None:
    dev = start_dev()
    dev.until(lambda: (dev.folder / "data" / "postgres").exists(), "PostgreSQL being started")
    dev.stop()
    assert dev.output == ""


def test_killing_it_leaves_nothing_in_the_way(start_dev: StartDev) -> None:
    first = start_dev().wait_ready()
    assert first.request("POST", "/v1/airports", [airport("AAA")]).status == 201
    first.process.kill()
    first.ready_file.unlink()  # a killed one cannot
    second = start_dev().wait_ready()
    assert second.request("GET", "/v1/airports/AAA").status == 200
    second.until(lambda: not any(map(runs, first.seen)), "nothing left of the first")
    second.stop()


def test_a_second_one_on_the_folder_is_refused(dev: "Dev", start_dev: StartDev) -> None:
    second = start_dev(folder=dev.folder, ready_file="other.json")
    assert f"is in use by process {dev.process.pid}" in second.refusal()


def test_a_taken_port_is_one_line(start_dev: StartDev, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = start_dev("--port", str(port)).refusal()
    assert f"port {port} on 127.0.0.1 is taken" in line
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_folder_that_is_a_file_is_one_line(start_dev: StartDev, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be made" in start_dev("--data-dir", str(tmp_path / "file" / "data")).refusal()


UNSTORABLE = """
from marshmallow import Schema, fields
from ingest import Resource

class ThingSchema(Schema):
    meta = fields.String()

things = Resource("things", ThingSchema)
"""
THINGS = """
from marshmallow import Schema, fields
from ingest import Resource

class ThingSchema(Schema):
    size = fields.{kind}(required=True)

things = Resource("things", ThingSchema)
"""


def test_a_schema_that_cannot_be_stored_is_one_line(start_dev: StartDev, tmp_path: Path) -> None:
    (tmp_path / "crm.py").write_text(UNSTORABLE)
    assert "'things': field 'meta'" in start_dev("--resources", "./crm.py").refusal()


def test_a_users_own_resources_are_served(start_dev: StartDev, tmp_path: Path) -> None:
    (tmp_path / "crm.py").write_text(THINGS.format(kind="Integer"))
    dev = start_dev("--resources", "./crm.py").wait_ready()
    assert dev.request("POST", "/v1/things", [{"size": 3}]).status == 201
    assert dev.request("GET", "/v1/airports").status == 404
    dev.stop()

    (tmp_path / "crm.py").write_text(THINGS.format(kind="Date"))
    assert "size" in start_dev("--resources", "crm").refusal()


def test_tokens_are_made_listed_and_revoked(dev: "Dev") -> None:
    made = dev.command("token", "create", "--account", "acme", "--name", "feed")
    token = made.stdout.strip()
    assert made.stdout == f"{token}\n"
    listed = dev.command("token", "list", "--account", "acme").stdout
    (row,) = [line.split("\t") for line in listed.splitlines()[1:]]
    assert row[1:3] == ["acme", "feed"]
    assert token not in listed
    assert dev.command("token", "revoke", row[0]).returncode == 0
    again = dev.command("token", "revoke", row[0])
    assert (again.returncode, again.stdout) == (1, "")
    assert len(again.stderr.splitlines()) == 1


def test_migrating_again_has_nothing_to_do(dev: "Dev") -> None:
    done = dev.command("migrate")
    assert (done.returncode, "nothing to do" in done.stdout) == (0, True)
