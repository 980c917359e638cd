"""Validation: marshmallow's answers for each item of a batch, and the records of valid ones.

`items` makes one item a record or every error of it, with what `engine` compiles of its schema.
"""

from ingest.validation.engine.compiler import explain_schema
from ingest.validation.engine.explaining import explain_resource
from ingest.validation.engine.late import Coverage
from ingest.validation.validator import Validator, compile_validator

__all__ = ["Coverage", "Validator", "compile_validator", "explain_resource", "explain_schema"]
