"""What docs/deploy has for machines without containers: systemd's units, and nginx's site."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import click
import pytest

from ingest.cli.main import cli
from ingest.environment import unknown_variables
from ingest.settings import Settings

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SITE = (DEPLOY / "nginx.conf").read_text()
SETTINGS = Settings(database_url="", redis_url="")
PROGRAM = "/opt/ingest/venv/bin/ingest"


def read_unit(unit: Path) -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None)  # a key may be there several times
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as it is written
    parser.read_string(unit.read_text())
    return parser


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_that_there_is(unit: Path) -> None:
    service = read_unit(unit)["Service"]
    program, name, *arguments = shlex.split(service["ExecStart"])
    assert program == PROGRAM
    command = cli.commands[name]
    command.make_parser(click.Context(command)).parse_args(list(arguments))
    if name != "migrate":
        assert service["Type"] == "notify"
        assert float(service["TimeoutStopSec"]) > SETTINGS.shutdown_timeout


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text().replace(PROGRAM, f"{Path(sys.executable).parent}/ingest")
        (tmp_path / unit.name).write_text(text)
    units = [str(tmp_path / unit.name) for unit in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    about_ours = [line for line in done.stderr.splitlines() if "ingest" in line]
    assert about_ours == []


@pytest.mark.parametrize("name", ["ingest.env", "migrate.env"])
def test_environment_files_hold_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for known in [each for each in os.environ if each.startswith("INGEST_")]:
        monkeypatch.delenv(known)
    lines = (DEPLOY / "systemd" / name).read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    assert given
    assert unknown_variables() == {}


def directives(text: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Each directive of an nginx file: the blocks that it stands in, and its words."""
    blocks: list[str] = []
    words: list[str] = []
    for token in re.findall(r"#[^\n]*|\"[^\"]*\"|[{};]|[^\s{};\"]+", text):
        if token.startswith("#"):
            continue
        if token == "{":
            blocks.append(" ".join(words))
            words = []
        elif token == "}":
            assert words == [], "a directive without its semicolon"
            blocks.pop()
        elif token == ";":
            yield tuple(blocks), words
            words = []
        else:
            words.append(token)
    assert (blocks, words) == ([], [])


def test_the_proxy_lets_streams_and_long_bodies_through() -> None:
    tls = [
        words
        for blocks, words in directives(SITE)
        if blocks == ("server",) or blocks == ("server", "location /")
    ]
    for wanted in (
        ["proxy_request_buffering", "off"],
        ["proxy_buffering", "off"],
        ["client_max_body_size", "0"],
        ["proxy_http_version", "1.1"],
        ["proxy_set_header", "X-Forwarded-For", "$proxy_add_x_forwarded_for"],
        ["proxy_set_header", "Host", "$host"],
        ["proxy_pass", "http://ingest"],
        ["ssl_protocols", "TLSv1.2", "TLSv1.3"],
    ):
        assert wanted in tls
    times = {words[0]: float(words[1][:-1]) for words in tls if words[0].endswith("_timeout")}
    assert times["proxy_read_timeout"] > SETTINGS.max_wait
    assert times["client_body_timeout"] > SETTINGS.body_timeout


NGINX, OPENSSL = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"), "openssl"


@pytest.mark.skipif(not (NGINX and shutil.which(OPENSSL)), reason="needs nginx and openssl")
def test_nginx_takes_the_site(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = f"{OPENSSL} req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=api.example.com"
    subprocess.run(
        [*made.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    site = SITE.replace("/etc/ssl/certs/api.example.com.pem", str(certificate))
    site = site.replace("/etc/ssl/private/api.example.com.key", str(key))
    (tmp_path / "site.conf").write_text(
        re.sub(r"listen (\[::\]:)?(80|443)", r"listen \g<1>1\2", site)
    )
    temporary = "".join(
        f"{each}_temp_path {tmp_path}/{each};"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} "
        f"http {{ access_log off; {temporary} include {tmp_path}/site.conf; }}"
    )
    done = subprocess.run(
        [NGINX, "-t", "-p", tmp_path, "-e", tmp_path / "log", "-c", tmp_path / "nginx.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
