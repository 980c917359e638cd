"""What the benchmark tells a peer: the database, and the port of 127.0.0.1 to listen on."""

import os

DATABASE_URL = os.environ["PEER_DATABASE_URL"]
PORT = int(os.environ["PEER_PORT"])
CONNECTIONS = 8
"""Of each peer's pool; the most that a peer can use on the machine at hand."""
