"""Alembic's entrance: runs migrations on the connection it is handed, in its transaction."""

from alembic import context

from twin.model import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table_schema="twin",
)
with context.begin_transaction():
    context.run_migrations()
