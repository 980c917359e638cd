"""How a database becomes what the service needs: `migrations.run.migrate`.

`schema.sql` is the service's own tables as they are today, to be read; `versions/` holds the
numbered revisions that lead to it, which Alembic runs. A change of the tables changes both: a new
revision, and the file. A test holds the one against the other.

`resource_tables` describes the tables of the user's resources, and `changes` makes what a changed
schema adds to them. Nothing here runs while requests are served.
"""
