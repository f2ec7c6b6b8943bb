"""Migrations: their folder, the upgrade of a database to the newest revision, and the check for it."""

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.errors import Misconfigured
from app.storage.connection import Connection
from app.storage.database import Database

PACKAGE = Path(__file__).resolve().parent.parent
LOCK = 4_017_231_901
"""The advisory lock that lets only one process migrate at a time."""


def migrations_folder() -> Path:
    """Returns the folder of the migrations: inside the package in a wheel, beside the package in a checkout."""
    inside = PACKAGE / "migrations"
    return inside if inside.is_dir() else PACKAGE.parent / "migrations"


def alembic_config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


async def migrate(database: Database) -> None:
    """Upgrades the database to the newest revision, after any other process that is migrating it.

    Raises Misconfigured when the database rejects a migration, for example because the role must not create tables.
    """
    async with database.engine() as engine, engine.connect() as connection:
        await connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
        await connection.commit()
        try:
            await connection.run_sync(_upgrade)
        except DBAPIError as error:
            raise Misconfigured(f"The migrations failed: {error.orig}") from error
        finally:
            await connection.rollback()
            await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK})")
            await connection.commit()


def _upgrade(connection: sqlalchemy.Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def at_head(connection: Connection) -> bool:
    """Tells whether every migration has been applied."""
    heads = set(ScriptDirectory.from_config(alembic_config()).get_heads())
    if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return False
    return heads == set(await connection.scalars(text("SELECT version_num FROM alembic_version")))
