"""Asynchronous batch ingestion: declare marshmallow schemas, get bulk endpoints and tables."""

from ingest.resources.resource import Resource

__all__ = ["Resource"]
