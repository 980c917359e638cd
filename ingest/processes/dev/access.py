"""What the parts need inside the database: its tables, a login without privileges, a token."""

import asyncio
from dataclasses import replace
from pathlib import Path

from ingest.processes.embedded import EmbeddedPostgres, keep_secret, write_private
from ingest.resources.registry import Registry
from ingest.settings import Settings

ACCOUNT = "dev"
LOGIN = "ingest_dev"

_LOGIN = """\
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}') THEN
        CREATE ROLE {login};
    END IF;
END $$;
ALTER ROLE {login} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{password}';
GRANT ingest_app TO {login};
"""


async def migrate(postgres: EmbeddedPostgres, registry: Registry) -> list[str]:
    """Bring the database up to date as its superuser; a sentence for each thing done."""
    from migrations.run import migrate as run_migrations

    return await asyncio.to_thread(run_migrations, postgres.url, registry)


async def service_login(postgres: EmbeddedPostgres, folder: Path) -> str:
    """The URL under which the services connect: a login that row-level security binds."""
    password = keep_secret(folder / "service-password")  # hexadecimal, so it needs no quoting
    sql = _LOGIN.format(login=LOGIN, password=password)
    await asyncio.to_thread(postgres.execute, sql)
    return postgres.url_for(LOGIN, password)


async def development_token(settings: Settings, postgres: EmbeddedPostgres, folder: Path) -> str:
    """The token of the account `dev`: the one of the last run while it works, else a new one.

    Made as the superuser: the services' login may not.
    """
    from ingest.access.callers import digest_of
    from ingest.store.pool import open_pool
    from ingest.store.tokens import create_token, find_caller

    file = folder / "token"
    async with open_pool(replace(settings, database_url=postgres.url), role=None) as pool:
        if file.exists():
            token = file.read_text(encoding="utf-8")
            caller = await find_caller(pool, digest_of(token))
            if caller is not None and caller.account == ACCOUNT:
                return token
        _, token = await create_token(pool, ACCOUNT, "ingest dev")
    write_private(file, token)
    return token
