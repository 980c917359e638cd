"""The commands that build the image, in a clean folder in place of an engine."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.processes import clean_environment
from tests.unit.test_image import ROOT, instructions

NOT_SENT = shutil.ignore_patterns("node_modules", "static", "__pycache__")
_KINDS = ("FROM", "WORKDIR", "ENV", "COPY", "RUN")


class Stages:
    """Folders in place of the file systems of the stages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = ""
        self.work = folder
        self.environment = clean_environment()

    def run(self) -> None:
        """Take every step up to the last stage, which only copies."""
        for kind, words in self._build_steps():
            getattr(self, f"_{kind.lower()}")(words)

    def _build_steps(self) -> list[tuple[str, list[str]]]:
        every = [each for each in instructions() if each[0] in _KINDS]
        last = max(number for number, (kind, _) in enumerate(every) if kind == "FROM")
        return every[:last]

    def _from(self, words: list[str]) -> None:
        self.name = words[-1]
        self.work = self.folder / self.name
        self.work.mkdir()

    def _workdir(self, words: list[str]) -> None:
        self.work = self._inside(words[0])
        self.work.mkdir()

    def _env(self, words: list[str]) -> None:
        self.environment |= dict(word.split("=", 1) for word in words)

    def _copy(self, words: list[str]) -> None:
        *paths, target = words
        stage = paths.pop(0).removeprefix("--from=") if paths[0].startswith("--from=") else None
        for path in paths:
            source = self.folder / stage / path.lstrip("/") if stage else ROOT / path
            ignore = None if stage else NOT_SENT
            if source.is_dir():
                shutil.copytree(source, self.work / target, ignore=ignore, dirs_exist_ok=True)
            else:
                shutil.copy(source, self.work / target)

    def _run(self, words: list[str]) -> None:
        command = [str(self._inside(word)) if word.startswith("/venv") else word for word in words]
        command[0] = sys.executable if command[0] == "python" else command[0]
        subprocess.run(command, cwd=self.work, env=self.environment, check=True, timeout=300)

    def _inside(self, path: str) -> Path:
        return self.folder / self.name / path.lstrip("/")


def test_each_step_of_the_build_works(tmp_path: Path) -> None:
    stages = Stages(tmp_path)
    stages.run()
    venv = tmp_path / "build" / "venv"
    for arguments in (["--help"], ["migrate", "--help"], ["worker", "--help"]):
        subprocess.run(
            [venv / "bin" / "ingest", *arguments],
            cwd=tmp_path,
            env=clean_environment(),
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
    look = "from ingest.web.assets import assets; print(sorted(assets()))"
    said = subprocess.run([venv / "bin" / "python", "-c", look], capture_output=True, text=True)
    assert said.stdout == "['docs.css', 'try.css', 'try.js']\n"
