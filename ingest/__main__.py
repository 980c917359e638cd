"""`python -m ingest`, the same as `ingest`."""

from ingest.cli.main import cli

if __name__ == "__main__":
    cli()
