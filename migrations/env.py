"""Alembic's environment: runs the migrations on the caller's connection, or on a new connection to DATABASE_URL."""

import asyncio
import os
from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection

from app.storage.database import Database
from app.storage.migrations import forget_compatible, record_compatible
from app.storage.tables import metadata


def record_step(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """Tells services of earlier revisions whether they can use the database after this step."""
    assert ctx.connection is not None  # noqa: S101 - narrows the type
    script = step.up_revision
    if step.is_stamp or not isinstance(script, Script):
        return
    if step.is_upgrade:
        compatible = getattr(script.module, "compatible", False)
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


async def run_with_own_connection() -> None:
    database = Database(os.environ["DATABASE_URL"], pool_size=1)
    async with database.engine() as engine, engine.connect() as connection:
        await connection.run_sync(run_migrations)


callers_connection: Connection | None = context.config.attributes.get("connection")
if callers_connection is not None:
    run_migrations(callers_connection)
else:
    asyncio.run(run_with_own_connection())
