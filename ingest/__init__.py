"""Asynchronous batch ingestion: declare marshmallow schemas, get bulk endpoints and tables."""

from ingest.resources import Resource

__all__ = ["Resource"]
