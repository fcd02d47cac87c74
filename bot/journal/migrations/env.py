"""How Alembic runs here: on the connection and inside the transaction it is handed."""

from alembic import context

from bot.journal.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
