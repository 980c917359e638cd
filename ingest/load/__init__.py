"""`ingest load`: a file into a collection, in batches that are never written twice.

::

    source ─▶ readers ─▶ feed ──▶ sender ─▶ loader ─▶ totals
    (bytes)   (rows)     (parts)  (retries)   │
                                              ├─▶ progress
                                              └─▶ failed_rows
"""
