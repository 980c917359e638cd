"""`ingest load`: a file into a collection, in batches that are never written twice.

::

    source ──▶ kinds ──▶ readers ─▶ feed ──▶ sender ─▶ loader ─▶ totals
    (bytes,   (format)   (rows)     (parts)  (retries)   │
    packing)     │                                       ├─▶ progress
                 └─▶ workbook (a sheet as rows)          └─▶ failed_rows
"""
