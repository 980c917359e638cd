"""What browsers load besides pages."""

import gzip
import json
from pathlib import Path

import pytest

from ingest.web import assets
from ingest.web.assets import Asset

REGISTRY = "https://registry.npmjs.org/"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the package's own."""
    for name in ("src", "static"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(assets, "FOLDER", tmp_path)
    monkeypatch.setattr(assets, "WHY_MISSING", tmp_path / "static" / "missing.txt")
    assets.assets.cache_clear()
    assets.by_served_name.cache_clear()
    return tmp_path


@pytest.fixture(autouse=True)
def _forget() -> None:
    assets.assets.cache_clear()
    assets.by_served_name.cache_clear()


def named(name: str) -> Asset:
    assets.assets.cache_clear()
    return assets.assets()[name]


def test_a_name_changes_with_the_content(folder: Path) -> None:
    file = folder / "src" / "docs.css"
    file.write_text("body {}")
    before = named("docs.css")
    assert named("docs.css").name == before.name
    file.write_text("main {}")
    assert named("docs.css").name != before.name
    assert before.name.startswith("docs-")
    assert before.name.endswith(".css")


def test_what_is_built_comes_with_its_compressed_form(folder: Path) -> None:
    (folder / "static" / "try.js").write_text("let a;")
    (folder / "static" / "try.js.gz").write_bytes(b"compressed by the build")
    (folder / "static" / "built-from.txt").write_text("0123")
    asset = named("try.js")
    assert (asset.media_type, asset.compressed) == ("text/javascript", b"compressed by the build")
    assert list(assets.assets()) == ["try.js"]


def test_what_is_not_built_is_compressed_here(folder: Path) -> None:
    (folder / "src" / "docs.css").write_text("body {}")
    assert gzip.decompress(named("docs.css").compressed) == b"body {}"


def test_nothing_is_there_before_the_first_build(folder: Path) -> None:
    (folder / "static").rmdir()
    assert assets.assets() == {}
    assert assets.why_missing() == ""


def test_the_build_says_why_it_has_made_nothing(folder: Path) -> None:
    (folder / "static" / "missing.txt").write_text("npm ci failed")
    assert assets.why_missing() == "npm ci failed"


def test_every_package_is_one_of_the_registry_with_its_hash() -> None:
    lock = json.loads((assets.FOLDER / "package-lock.json").read_text())
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert packages
    for name, each in packages.items():
        assert each.get("resolved", REGISTRY).startswith(REGISTRY), name
        assert each["integrity"].startswith("sha512-"), name


def test_no_package_runs_a_script_when_it_is_installed() -> None:
    assert "ignore-scripts=true" in (assets.FOLDER / ".npmrc").read_text().splitlines()
