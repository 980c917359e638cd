"""The image and its composition, as far as they can be looked at without an engine."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from ingest.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SETTINGS = {f"INGEST_{name.upper()}" for name in Settings.__dataclass_fields__}
HADOLINT = Path(sys.executable).with_name("hadolint")
OURS = ("migrate", "api", "worker")


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return document


def instructions() -> list[tuple[str, list[str]]]:
    """Each instruction of the Dockerfile in order, with its words."""
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    lines = [line.split(" ", 1) for line in joined.splitlines() if line[:1].isalpha()]
    return [(kind, shlex.split(words)) for kind, words in lines]


def steps(kind: str) -> list[list[str]]:
    """The words of each instruction of a kind."""
    return [words for each, words in instructions() if each == kind]


def test_all_that_is_copied_is_there_and_is_sent_to_the_engine() -> None:
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    own = [words for words in steps("COPY") if not words[0].startswith("--from=")]
    copied = {path for words in own for path in words[:-1]}
    assert {path.partition("/")[0] for path in copied} == sent
    assert all((ROOT / path).exists() for path in copied)


def test_what_is_built_here_is_not_sent_to_the_engine() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {"ingest/web/node_modules", "ingest/web/static"} <= set(ignored)


def test_the_image_takes_the_front_end_from_its_stage() -> None:
    (copied,) = [words for words in steps("COPY") if words[0] == "--from=front-end"]
    assert copied[1:] == ["/web/static", "ingest/web/static"]
    assert ["HATCH_BUILD_NO_HOOKS=true"] in steps("ENV")


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint has no wheel for this machine")
def test_nothing_is_to_be_said_about_the_dockerfile() -> None:
    said = subprocess.run([HADOLINT, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, "")


def test_the_lock_file_holds_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = dict(
        re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", (ROOT / "requirements.lock").read_text(), re.M)
    )
    for requirement in map(Requirement, project["dependencies"]):
        name = requirement.name.replace(".", "-")
        assert requirement.specifier.contains(locked[name]), requirement


def test_dependencies_are_a_layer_before_the_code() -> None:
    lock, code = DOCKERFILE.index("requirements.lock ./"), DOCKERFILE.index("COPY ingest ingest")
    assert lock < DOCKERFILE.index("--require-hashes") < code


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_confined(composed: dict[str, Any], name: str) -> None:
    service = composed["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["tmpfs"] == ["/tmp"]


def test_only_known_settings_are_set(composed: dict[str, Any]) -> None:
    for name in OURS:
        given = {each.removesuffix("_FILE") for each in composed["services"][name]["environment"]}
        assert given <= SETTINGS


def test_no_password_is_in_a_variable_or_a_url(composed: dict[str, Any]) -> None:
    secrets = set(composed["secrets"])
    for service in composed["services"].values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD}" not in str(value)
            if name.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]
        assert set(service.get("secrets", ())) <= secrets


def test_the_database_is_asked_over_tcp(composed: dict[str, Any]) -> None:
    asked = composed["services"]["postgres"]["healthcheck"]["test"]
    assert asked[asked.index("-h") + 1] == "127.0.0.1"
    assert "--wait" in composed["services"]["migrate"]["command"]
