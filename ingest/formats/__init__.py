"""Bodies into items, and documents into bytes: one codec a file, for both directions.

::

    body     ─▶ compression ─▶ decoding ────▶ json, ndjson, csv, xml, yaml ─▶ items
    document ─────────────────▶ negotiation ─▶ xml, yaml ────────────────────▶ response
    failures ─────────────────▶ failure_files ───────────────────────────────▶ response
"""
