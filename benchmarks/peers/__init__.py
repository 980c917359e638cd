"""The same endpoint as others would write it: one small program each, run as in production.

Each docstring says what its program lacks beside the service. All of them save into
tables of `benchmarks.samples`, listen on `PORT` of 127.0.0.1, and answer a saved collection with
201 and the number of items.
"""
