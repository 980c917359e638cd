"""PostgreSQL, the truth. The only package that imports asyncpg."""
