"""Where Alembic enters: run the revisions on the connection that `migrations.run` has opened."""

from alembic import context

from migrations.run import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], **VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
