"""The lower bounds of what the service needs are above the versions with known vulnerabilities."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
# The version that has the newest fix, and what it fixes.
FIXED_IN = {
    "aiohttp": "3.14.4",  # PYSEC-2026-4369, -4371: request framing, scheme of absolute requests
    "asyncpg": "0.21.0",  # CVE-2020-17446: arrays from a hostile server
    "click": "8.3.3",  # CVE-2026-7246: click.edit
    "jinja2": "3.1.6",  # CVE-2025-27516: out of the sandbox, which is not used here
    "lxml": "6.1.0",  # CVE-2026-41066: external entities in iterparse
    "marshmallow": "4.1.2",  # CVE-2025-68480: time spent on errors of many items
    "orjson": "3.11.6",  # CVE-2025-67221: recursion
    "pyyaml": "5.4",  # CVE-2020-14343: full_load
    "redis": "4.5.5",  # CVE-2023-28859: answers of cancelled commands
    "sqlalchemy": "1.3.0",  # CVE-2019-7164: order_by
}


def _lower_bounds() -> dict[str, Version]:
    declared = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    requirements = [Requirement(each) for each in declared]
    return {
        requirement.name.lower(): Version(each.version)
        for requirement in requirements
        for each in requirement.specifier
        if each.operator == ">="
    }


def test_every_dependency_has_a_lower_bound() -> None:
    declared = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    assert len(_lower_bounds()) == len(declared)


@pytest.mark.parametrize("name", FIXED_IN)
def test_what_is_known_to_be_vulnerable_is_never_installed(name: str) -> None:
    assert _lower_bounds()[name] >= Version(FIXED_IN[name])
