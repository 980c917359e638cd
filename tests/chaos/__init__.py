"""Chaos: the real stack, real clients, real faults, and a look into PostgreSQL afterwards.

`make chaos` runs every experiment at full scale; tests/acceptance/test_chaos.py a short form.
"""
