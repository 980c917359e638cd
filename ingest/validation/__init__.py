"""Validation: marshmallow's answers for each item of a batch.

`compile_validator` is the public face; `runner` applies it to the items of a request.
"""

from ingest.validation.engine.compiler import Validator, compile_validator
from ingest.validation.engine.coverage import Coverage, explain_schema

__all__ = ["Coverage", "Validator", "compile_validator", "explain_schema"]
