"""The same endpoint as others would write it: one small program each, run as in production.

Each docstring says what its program lacks beside the service. All of them save into
`benchmarks.contacts.PEERS_TABLE`, listen on `PORT` of 127.0.0.1, and answer a saved collection with
201 and the number of items.
"""
