"""Alembic's environment: runs the migrations on the caller's connection, or on a new connection to DATABASE_URL.

In Alembic's offline mode it prints them.
"""

import asyncio
import os
from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection

from app.storage.database import Database
from app.storage.migrations import add_compatible, forget_compatible, record_compatible, write_compatible
from app.storage.tables import metadata


def record_step(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """Tells services of earlier revisions whether they can use the database after this step."""
    script = step.up_revision
    if step.is_stamp or not isinstance(script, Script):
        return
    compatible = getattr(script.module, "compatible", False)
    if context.is_offline_mode():
        known = context.config.attributes["compatible"]
        known = add_compatible(known, script.revision, step.down_revision_ids, compatible=compatible)
        context.config.attributes["compatible"] = known
        ctx.execute(write_compatible(known))
    elif ctx.connection is None:
        return
    elif step.is_upgrade:
        record_compatible(ctx.connection, script.revision, step.down_revision_ids, compatible=compatible)
    else:
        forget_compatible(ctx.connection, script.revision)


def run_migrations(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        transaction_per_migration=True,
        on_version_apply=record_step,
    )
    with context.begin_transaction():
        context.run_migrations()


def print_migrations() -> None:
    """Writes the statements of an upgrade to the output buffer of the configuration."""
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},
        literal_binds=True,
        target_metadata=metadata,
        transaction_per_migration=True,
        on_version_apply=record_step,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_with_own_connection() -> None:
    database = Database(os.environ["DATABASE_URL"], pool_size=1)
    async with database.engine() as engine, engine.connect() as connection:
        await connection.run_sync(run_migrations)


callers_connection: Connection | None = context.config.attributes.get("connection")
if context.is_offline_mode():
    print_migrations()
elif callers_connection is not None:
    run_migrations(callers_connection)
else:
    asyncio.run(run_with_own_connection())
