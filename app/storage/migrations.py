"""Migrations: their folder, the upgrade of a database to the newest revision, and the check for it."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import Misconfigured
from app.storage.connection import Connection
from app.storage.database import Database

PACKAGE = Path(__file__).resolve().parent.parent
OLDEST = 17
"""The oldest major version of PostgreSQL that the service can use."""
COMPATIBLE = "Services of these revisions can use this database: "
MISSING = "migrations are missing: clientele migrate"
NEWER = "the database was migrated by a newer version of the service, and this version cannot use it"
_HAS_REVISION = text("SELECT to_regclass('alembic_version') IS NOT NULL")
_REVISIONS = text("SELECT version_num FROM alembic_version")
_COMMENT = text("SELECT obj_description(to_regclass('alembic_version'), 'pg_class')")
LOCK = 4_017_231_901
"""The advisory lock that lets only one process migrate at a time."""
_one_at_a_time = asyncio.Lock()
"""Alembic keeps the connection of a migration in a module, so a process migrates one database at a time."""


def migrations_folder() -> Path:
    """Returns the folder of the migrations: inside the package in a wheel, beside the package in a checkout."""
    inside = PACKAGE / "migrations"
    return inside if inside.is_dir() else PACKAGE.parent / "migrations"


def alembic_config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


@lru_cache(maxsize=1)
def known_revisions() -> tuple[str, ...]:
    """The revisions of this version of the service, newest first."""
    scripts = ScriptDirectory.from_config(alembic_config())
    return tuple(script.revision for script in scripts.walk_revisions())


async def migrate(database: Database) -> bool:
    """Upgrades the database to the newest revision, after any other process that is migrating it.

    Returns False for a database that a newer version has migrated, and that this version can use. Raises Misconfigured
    when this version cannot use it, when PostgreSQL is too old, and when the database rejects a migration, for example
    because the role must not create tables.
    """
    async with database.engine() as engine, engine.connect() as holding, engine.connect() as connection:
        await _take_turn(holding)
        try:
            async with _one_at_a_time:
                return await connection.run_sync(_upgrade)
        except DBAPIError as error:
            raise Misconfigured(f"The migrations failed: {error.orig}") from error


async def find_missing(database: Database) -> list[Script]:
    """Returns the migrations that `migrate` would apply, in their order. It changes nothing.

    Raises Misconfigured where `migrate` does before its first migration.
    """
    return (await _find_state(database)).missing


async def print_missing(database: Database) -> str:
    """Returns the missing migrations as SQL, with the transactions in which `migrate` applies them."""
    state = await _find_state(database)
    if not state.missing:
        return ""
    config, printed = alembic_config(), io.StringIO()
    config.output_buffer = printed
    config.attributes["compatible"] = state.compatible
    async with _one_at_a_time:
        command.upgrade(config, f"{state.head or 'base'}:head", sql=True)
    return printed.getvalue()


@dataclass(frozen=True)
class SchemaState:
    """The revision of a database, the revisions whose services can use it, and the migrations that it lacks."""

    head: str | None
    compatible: set[str]
    missing: list[Script]


async def _find_state(database: Database) -> SchemaState:
    async with database.engine() as engine, engine.connect() as connection:
        return await connection.run_sync(_read_state)


def _read_state(connection: sqlalchemy.Connection) -> SchemaState:
    """Raises Misconfigured for a PostgreSQL that is too old, and a schema that is too new."""
    major, minor, *_ = connection.dialect.server_version_info or (0, 0)
    require_version(int(major), int(minor))
    head = MigrationContext.configure(connection).get_current_revision()
    compatible = read_compatible(connection.execute(_COMMENT).scalar())
    connection.rollback()
    if head is None or head in known_revisions():
        scripts = ScriptDirectory.from_config(alembic_config())
        return SchemaState(head, compatible, [*scripts.iterate_revisions("head", head or "base")][::-1])
    if known_revisions()[0] not in compatible:
        raise Misconfigured(
            f"The database is at revision {head}, which this version of the service does not know and cannot use. "
            "Install the version of the service that migrated it."
        )
    return SchemaState(head, compatible, [])


async def _take_turn(connection: AsyncConnection) -> None:
    """Holds the lock in a transaction that lasts until the connection is closed.

    A lock of the session would stay behind in a pooler that shares connections between transactions.
    """
    await connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
    await connection.exec_driver_sql("SET LOCAL transaction_timeout = 0")
    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")


def _upgrade(connection: sqlalchemy.Connection) -> bool:
    state = _read_state(connection)
    if state.head is not None and state.head not in known_revisions():
        return False
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def require_version(major: int, minor: int) -> None:
    """Raises Misconfigured for a PostgreSQL that is too old."""
    if major < OLDEST:
        raise Misconfigured(f"PostgreSQL {OLDEST} or newer is needed; this is {major}.{minor}.")


async def find_schema_problem(connection: Connection) -> str | None:
    """Returns the reason for which this version of the service cannot use the schema; None when it can."""
    if await connection.scalar(_HAS_REVISION) is not True:
        return MISSING
    revisions = set(await connection.scalars(_REVISIONS))
    head = known_revisions()[0]
    if revisions <= set(known_revisions()):
        return None if revisions == {head} else MISSING
    return None if head in read_compatible(await connection.scalar(_COMMENT)) else NEWER


def record_compatible(
    connection: sqlalchemy.Connection, revision: str, previous: Sequence[str], *, compatible: bool
) -> None:
    """Records in the database that services of `revision` can use it, and of the earlier revisions if it is compatible."""
    known = read_compatible(connection.execute(_COMMENT).scalar())
    connection.exec_driver_sql(write_compatible(add_compatible(known, revision, previous, compatible=compatible)))


def add_compatible(known: set[str], revision: str, previous: Sequence[str], *, compatible: bool) -> set[str]:
    """Returns the revisions whose services can use a database after its migration to `revision`."""
    return {*(known if compatible else ()), *(previous if compatible else ()), revision}


def write_compatible(revisions: set[str]) -> str:
    """Returns the statement that records the revisions whose services can use the database."""
    return f"COMMENT ON TABLE alembic_version IS '{COMPATIBLE}{' '.join(sorted(revisions))}'"


def forget_compatible(connection: sqlalchemy.Connection, revision: str) -> None:
    """Records that services of `revision` can no longer use the database, because it is downgraded."""
    rest = read_compatible(connection.execute(_COMMENT).scalar()) - {revision}
    connection.exec_driver_sql(write_compatible(rest))


def read_compatible(comment: str | None) -> set[str]:
    """Returns the revisions whose services can use the database, from the comment of alembic_version."""
    return set((comment or "").removeprefix(COMPATIBLE).split())
