"""Workers: arq processes that commit accepted batches into PostgreSQL."""
