"""How a database comes to be what the service needs: `migrations.run.migrate`.

`versions/` holds numbered revisions of the service's own tables, which Alembic runs.
`resource_tables` describes the tables of the user's resources, and `changes` finds and makes what
a changed schema adds to them. Nothing here runs while requests are served.
"""
