"""`ingest serve --processes N` and `ingest worker` as an operator runs them, on real servers."""

import contextlib
import json
import os
import signal
import socket
import stat
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest.processes.port import free_port
from tests.acceptance.conftest import TIMEOUT
from tests.processes import runs

if TYPE_CHECKING:
    from conftest import Dev, Start

pytestmark = pytest.mark.timeout(240)
HOST = "127.0.0.1"


def get(port: int, path: str) -> tuple[int, str]:
    """One request on a connection of its own, so that any of the processes may answer it."""
    connection = HTTPConnection(HOST, port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()


def sample(text: str, name: str, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    return sum(
        each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name == name and labels.items() <= each.labels.items()
    )


class Systemd:
    """What listens where `NOTIFY_SOCKET` names."""

    def __init__(self, place: Path) -> None:
        self.place = str(place)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.place)
        self._socket.settimeout(TIMEOUT)

    def hears(self) -> str:
        """The next state that it gets."""
        return self._socket.recv(100).decode()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    with contextlib.closing(Systemd(tmp_path / "notify")) as listening:
        yield listening


def test_one_process_has_a_ready_file_and_reports_to_systemd(
    dev: "Dev", start: "Start", systemd: Systemd, tmp_path: Path
) -> None:
    file = tmp_path / "ready.json"
    command = start("serve", "--port", "0", "--ready-file", str(file), NOTIFY_SOCKET=systemd.place)
    assert systemd.hears() == "READY=1"
    ready = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(ready) == ["databaseUrl", "pids", "redisUrl", "url"]
    assert ready["pids"] == {"api": [command.process.pid]}
    assert ready["redisUrl"] == dev.ready["redisUrl"]
    assert get(int(ready["url"].rsplit(":", 1)[1]), "/readyz")[0] == 200
    command.process.terminate()
    assert systemd.hears() == "STOPPING=1"
    assert command.process.wait(TIMEOUT) == 0
    assert not file.exists()


def test_processes_share_a_port_and_their_metrics(
    start: "Start", systemd: Systemd, tmp_path: Path
) -> None:
    file = tmp_path / "ready.json"
    file.write_text("of an earlier run")
    arguments = ("serve", "--port", "0", "--processes", "2", "--ready-file", str(file))
    command = start(*arguments, NOTIFY_SOCKET=systemd.place)
    serving = command.serving()
    assert systemd.hears() == "READY=1"  # of all of them, from the process that systemd knows
    assert sorted(serving["pids"]) == sorted(command.children())
    ready = json.loads(file.read_text())
    assert ready["url"] == f"http://{HOST}:{serving['port']}"
    assert ready["pids"] == {"api": serving["pids"]}
    assert len(serving["pids"]) == 2
    sent = 40
    for _ in range(sent):
        assert get(serving["port"], "/healthz")[0] == 200
    for _ in range(5):  # whichever of them answers
        text = get(serving["port"], "/metrics")[1]
        assert sample(text, "ingest_request_duration_seconds_count", method="GET") >= sent


def test_a_process_that_dies_is_started_again_and_its_numbers_stay(start: "Start") -> None:
    command = start("serve", "--port", "0", "--processes", "2")
    port = command.serving()["port"]
    for _ in range(20):
        get(port, "/healthz")
    killed, other = command.serving()["pids"]
    os.kill(killed, signal.SIGKILL)
    command.until(lambda: command.logged("a part answers again"), "another process")
    again = command.children()
    assert len(again) == 2
    assert killed not in again
    assert other in again
    assert get(port, "/readyz")[0] == 200
    text = get(port, "/metrics")[1]
    assert sample(text, "ingest_request_duration_seconds_count", method="GET") >= 21


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_of_them_and_requests_are_answered(
    dev: "Dev", start: "Start", number: signal.Signals
) -> None:
    command = start("serve", "--port", "0", "--processes", "2")
    serving = command.serving()
    body = json.dumps([{"email": f"{number.name}@example.com", "first_name": "Jim"}])
    connection = HTTPConnection(HOST, serving["port"], timeout=30)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/v1/contacts")
        connection.putheader("Authorization", f"Bearer {dev.ready['token']}")
        connection.putheader("Content-Length", str(len(body)))
        connection.putheader("Expect", "100-continue")
        connection.endheaders()
        assert connection.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it is at work
        command.process.send_signal(number)
        connection.send(body.encode())
        assert connection.getresponse().status == 201
    assert command.process.wait(TIMEOUT) == 0
    assert not any(map(runs, serving["pids"]))
    assert "Traceback" not in command.complaints.read_text()


def test_killing_the_parent_stops_its_processes(start: "Start", tmp_path: Path) -> None:
    command = start("serve", "--port", "0", "--processes", "2")
    serving = command.serving()
    command.process.kill()
    command.until(lambda: not any(map(runs, serving["pids"])), "no process left")
    with pytest.raises((OSError, HTTPException)):
        get(serving["port"], "/healthz")
    for left in (tmp_path / "temporary").glob("ingest-metrics-*"):  # a killed parent cannot
        for file in left.iterdir():
            file.unlink()
        left.rmdir()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_taken_port_is_one_line(start: "Start", processes: str) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        command = start("serve", "--port", str(port), "--processes", processes)
        assert command.process.wait(TIMEOUT) == 1
    (line,) = command.complaints.read_text().splitlines()
    assert line.startswith(f"ingest: port {port} on {HOST} is taken")


def test_resources_that_cannot_be_served_are_one_line(start: "Start") -> None:
    command = start("serve", "--port", "0", "--processes", "3", INGEST_RESOURCES="no_such_module")
    assert command.process.wait(TIMEOUT) == 1
    (line,) = command.complaints.read_text().splitlines()
    assert "no_such_module" in line


def test_all_of_ingest_dev_is_in_the_metrics_of_any_api_process(dev: "Dev") -> None:
    item = {"email": "metrics@example.com", "first_name": "Jim"}
    assert dev.request("POST", "/v1/contacts", [item]).status == 201
    port = int(dev.ready["url"].rsplit(":", 1)[1])
    labels = {"collection": "contacts"}

    def shown() -> bool:  # a worker counts a moment after the client has its answer
        text = get(port, "/metrics")[1]
        return sample(text, "ingest_commit_duration_seconds_count", **labels) >= 1

    dev.until(shown, "a worker's commit in the metrics of an API process")
    for _ in range(10):  # whichever of them answers
        assert shown()
    text = get(port, "/metrics")[1]
    assert sample(text, "ingest_batches_total", state="committed", **labels) >= 1
    assert sample(text, "ingest_items_total", result="valid", **labels) >= 1


def test_a_worker_of_its_own_serves_its_metrics_where_its_setting_says(
    start: "Start", systemd: Systemd, tmp_path: Path
) -> None:
    port, file = free_port(), tmp_path / "ready.json"
    settings = {"INGEST_WORKER_METRICS_PORT": str(port), "NOTIFY_SOCKET": systemd.place}
    command = start("worker", "--ready-file", str(file), **settings)
    assert systemd.hears() == "READY=1"
    ready = json.loads(file.read_text())
    assert sorted(ready) == ["databaseUrl", "pids", "redisUrl"]
    assert ready["pids"] == {"worker": [command.process.pid]}

    def answers() -> bool:
        with contextlib.suppress(OSError):
            return sample(get(port, "/metrics")[1], "ingest_redis_away") == 0
        return False

    command.until(answers, "the worker's metrics")
    taken = start("worker", INGEST_WORKER_METRICS_PORT=str(port))
    assert taken.process.wait(TIMEOUT) == 1
    (line,) = taken.complaints.read_text().splitlines()
    assert line.startswith(f"ingest: cannot serve metrics on {HOST}:{port}")
    command.process.terminate()
    assert systemd.hears() == "STOPPING=1"
    assert command.process.wait(TIMEOUT) == 0
    assert not file.exists()
