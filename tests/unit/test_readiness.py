"""How a process reports that it accepts work."""

import os

import pytest

from ingest.readiness import READY_FD, announce


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
