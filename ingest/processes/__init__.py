"""Processes that are started, kept running and stopped together, on one port."""
