"""`ingest doctor`: what is wrong with an installation, and what to do about it."""

from ingest.doctor.checks import CHECKS, examine
from ingest.doctor.finding import Finding, Subject

__all__ = ["CHECKS", "Finding", "Subject", "examine"]
