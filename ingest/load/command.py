"""`ingest load`: the command and its options."""

import sys
from pathlib import Path
from typing import Any

import click

from ingest.formats.csv_records import DELIMITERS

_FORMATS = ("csv", "json", "ndjson", "xml", "yaml")


class _Command(click.Command):
    """Ends with status 1 for every wrong usage: 2 says that some rows failed."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **options)
        except click.UsageError as error:
            error.show()
            sys.exit(1)


@click.command(cls=_Command)
@click.argument("file")
@click.option("--to", "collection", required=True, metavar="COLLECTION")
@click.option("--url", envvar="INGEST_URL", default="http://127.0.0.1:8080", help="[INGEST_URL]")
@click.option("--token", envvar="INGEST_TOKEN", default="", help="Better given as INGEST_TOKEN.")
@click.option("--format", "format_", type=click.Choice(_FORMATS), help="[default: by the name]")
@click.option(
    "--delimiter",
    type=click.Choice([*DELIMITERS, *DELIMITERS.values()]),
    help="Of CSV.  [default: by the header]",
)
@click.option("--charset", help="Of a text.  [default: utf-8, or by a byte order mark]")
@click.option("--sheet", metavar="NAME|NUMBER", help="Of a workbook.  [default: the first]")
@click.option(
    "--empty-as",
    type=click.Choice(["absent", "null"]),
    help="Empty cells of CSV and workbooks, empty elements of XML, nulls of Parquet and Arrow.",
)
@click.option(
    "--columns",
    metavar="NAME,NAME",
    help="Of CSV and workbooks without a header.  [default: the first row]",
)
@click.option("--items", metavar="PATH", help="Of XML, such as feed/entries/entry.")
@click.option(
    "--short-rows",
    type=click.Choice(["refuse", "pad"]),
    help="Rows of CSV with too few cells.  [default: refuse]",
)
@click.option(
    "--decimal",
    type=click.Choice(["point", "comma", ".", ","]),
    help="Of numbers in CSV and workbooks.  [default: point]",
)
@click.option(
    "--dates", metavar="ORDER", help="Such as DD/MM/YYYY, of CSV and workbooks.  [default: ISO]"
)
@click.option("--nulls", metavar="TEXT,TEXT", help="Cells that are null, such as NULL,N/A.")
@click.option(
    "--method", type=click.Choice(["post", "patch", "delete"]), default="post", show_default=True
)
@click.option("--matching", metavar="FIELD", help="Finds stored items by this field.")
@click.option(
    "--prefer", multiple=True, help="More preferences, such as resolution=merge-duplicates."
)
@click.option("--strict", is_flag=True, help="Save each batch as a whole or not at all.")
@click.option("--atomic", is_flag=True, help="Save the file as a whole or not at all.")
@click.option("--batch-size", type=click.IntRange(1, 10_000), default=5000, show_default=True)
@click.option(
    "--in-flight",
    "at_once",
    type=click.IntRange(1, 32),
    default=4,
    show_default=True,
    help="Requests on their way at a time.",
)
@click.option("--encoding", type=click.Choice(["gzip", "none"]), default="none", show_default=True)
@click.option(
    "--failed",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where failed rows are written.  [default: beside FILE]",
)
@click.option("--run", default="", help="A name; another one never goes on with this load.")
@click.option("--quiet", is_flag=True, help="No progress; the summary only.")
def load(file: str, **options: Any) -> None:
    """Load FILE: CSV, JSON, NDJSON, XML, YAML, .xlsx, .ods, .parquet, .arrow; - is standard input.

    It may be packed: .gz, .zst, .bz2, .xz, or a .zip of one file.

    Sends it in batches. After an interruption, run the same command again: it goes on and writes
    nothing twice. A load that is finished is begun again. Rows that fail are written beside the
    file, to be corrected and loaded.

    Status: 0 all rows are saved, 2 some failed, 1 the load could not be finished.
    """
    from ingest.load.run import run

    delimiter = options["delimiter"]
    options["delimiter"] = DELIMITERS.get(delimiter, delimiter)
    sys.exit(run(file, options))
