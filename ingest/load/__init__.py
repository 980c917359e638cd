"""`ingest load`: a file into a collection, in batches that are never written twice.

::

    source ─▶ readers ─▶ parts ─▶ sender ─▶ loader ─▶ summary
    (bytes)   (rows)     (bodies)  (retries)   │
                                               ├─▶ progress
                                               └─▶ failed_rows
"""
