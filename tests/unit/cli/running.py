"""Running `ingest …` inside the test process."""

from click.testing import CliRunner, Result

from ingest.cli.main import cli


def ingest(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def complaint(result: Result) -> str:
    """The one line of a command that cannot work."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("ingest: ")
    return lines[0].removeprefix("ingest: ")
