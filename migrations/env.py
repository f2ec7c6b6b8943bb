"""Alembic's environment: runs the migrations on the caller's connection, or on a new connection to DATABASE_URL."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from app.storage.database import Database
from app.storage.tables import metadata


def run_migrations(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, compare_type=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_with_own_connection() -> None:
    database = Database(os.environ["DATABASE_URL"], pool_size=1)
    async with database.engine() as engine, engine.connect() as connection:
        await connection.run_sync(run_migrations)


callers_connection: Connection | None = context.config.attributes.get("connection")
if callers_connection is not None:
    run_migrations(callers_connection)
else:
    asyncio.run(run_with_own_connection())
