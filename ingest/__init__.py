"""Asynchronous batch ingestion: declare marshmallow schemas, get bulk endpoints and tables."""

from ingest.resources.resource import Resource
from ingest.resources.summaries import Tally, Totals

__all__ = ["Resource", "Tally", "Totals"]
