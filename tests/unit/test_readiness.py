"""How a process reports that it accepts work, and that it stops."""

import os
import socket
from pathlib import Path

import pytest

from ingest.readiness import NOTIFY_SOCKET, READY_FD, announce, stopping


@pytest.fixture(autouse=True)
def _not_of_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NOTIFY_SOCKET, raising=False)


def test_announcing_writes_one_byte_and_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    monkeypatch.setenv(READY_FD, str(write))
    announce()
    announce()
    assert os.read(read, 10) == b"1"
    assert os.read(read, 10) == b""
    os.close(read)


def test_announcing_without_a_pipe_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(READY_FD, raising=False)
    announce()


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_gets_what_sd_notify_sends(
    abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = f"@ingest-{tmp_path.name}-{os.getpid()}" if abstract else f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + place[1:] if abstract else place)
        systemd.settimeout(10)
        monkeypatch.setenv(NOTIFY_SOCKET, place)
        announce()
        stopping()
        assert [systemd.recv(100), systemd.recv(100)] == [b"READY=1", b"STOPPING=1"]


@pytest.mark.parametrize("place", ["", "/nowhere/notify", "@nothing-listens", "vsock:2:1"])
def test_a_socket_that_nothing_reads_stops_nothing(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NOTIFY_SOCKET, place)
    announce()
    stopping()
