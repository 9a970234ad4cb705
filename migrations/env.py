"""Alembic's entry: runs on the connection that `hedge_service.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from hedge_service.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
# The caller's transaction spans all steps: a migration that fails in the middle leaves nothing.
context.run_migrations()
