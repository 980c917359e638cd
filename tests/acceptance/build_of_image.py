"""The commands that build the image, in a clean folder in place of an engine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.processes import clean_environment
from tests.unit.test_image import ROOT, steps


def test_each_step_of_the_build_works(tmp_path: Path) -> None:
    source, venv = tmp_path / "src", tmp_path / "venv"
    source.mkdir()
    for *paths, _ in (words for words in steps("COPY") if "--from=build" not in words):
        for path in paths:
            copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
            copy(ROOT / path, source / path)
    for words in steps("RUN"):
        if words[0] == "useradd":  # it needs root
            continue
        command = [re.sub(r"^/venv", str(venv), word) for word in words]
        command[0] = sys.executable if command[0] == "python" else command[0]
        subprocess.run(command, cwd=source, env=clean_environment(), check=True, timeout=300)
    for arguments in (["--help"], ["migrate", "--help"], ["worker", "--help"]):
        subprocess.run(
            [venv / "bin" / "ingest", *arguments],
            cwd=tmp_path,
            env=clean_environment(),
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
