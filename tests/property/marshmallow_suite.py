"""marshmallow's own tests of `Schema.load` pass with `load` routed through compiled functions.

They are those of the installed version's source distribution, which is fetched from the package
registry: only `make fuzz` runs this.
"""

import json
import os
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = ("test_deserialization.py", "test_schema.py", "test_decorators.py")
OFFLINE = ("Could not find a version", "No matching distribution", "Temporary failure", "timed out")


@pytest.fixture
def suite(pytestconfig: pytest.Config, tmp_path: Path) -> Path:
    """The unpacked source distribution, kept in pytest's cache where there is one."""
    wanted = version("marshmallow")
    cache = getattr(pytestconfig, "cache", None)
    folder = tmp_path if cache is None else Path(cache.mkdir("marshmallow-sdist"))
    unpacked = folder / f"marshmallow-{wanted}"
    if not (unpacked / "tests" / FILES[-1]).is_file():
        download(folder, wanted)
        with tarfile.open(folder / f"marshmallow-{wanted}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return unpacked


def download(folder: Path, wanted: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
         "--no-binary", ":all:", "--no-deps", "--dest", folder, f"marshmallow=={wanted}"],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    if done.returncode and any(sign in done.stderr for sign in OFFLINE):
        pytest.skip(f"the package registry cannot be reached: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(300)
def test_marshmallows_own_tests_pass(suite: Path, tmp_path: Path) -> None:
    counts = tmp_path / "counts.json"
    path = os.pathsep.join(
        filter(None, [str(HERE), str(HERE.parent.parent), os.environ.get("PYTHONPATH")])
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "routed_loads", "-p", "no:randomly",
         "-p", "no:xdist", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", suite,
         *(f"tests/{name}" for name in FILES)],
        cwd=suite, env={**os.environ, "PYTHONPATH": path, "ROUTED_LOADS": str(counts)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    routed = json.loads(counts.read_text())
    assert routed["loads"] > 200, routed
    assert routed["compiled"] > 100, routed  # the others are about invalid items, mostly
