"""`python -m ingest`, the same as `ingest`."""

from ingest.cli.main import main

if __name__ == "__main__":
    main()
