"""Inspection: finds a PostgreSQL that is too old, and a pooler that the service cannot use safely."""

from collections.abc import Mapping

import asyncpg

from app.errors import Misconfigured
from app.storage.connector import Connector
from app.storage.driver import Driver
from app.storage.migrations import require_version

LIMIT = 2.0
"""Seconds for a statement while another connection holds a transaction."""
ROUNDS = 3
"""A pooler with several idle connections may lead two clients to different ones by chance."""
SETTINGS = "SELECT lower(name), setting FROM pg_settings WHERE lower(name) = ANY($1)"
COMMAND = "SELECT format('ALTER ROLE %I', current_user)"
BACKEND = "SELECT pg_backend_pid()"
MIXED = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
"""Errors of a pooler that does not keep prepared statements."""
UNSAFE = (
    "The pooler in front of PostgreSQL is not safe: it shares connections between transactions and does not keep prepared "
    "statements. Connect to PostgreSQL directly, use session mode, or set max_prepared_statements (PgBouncer 1.21 or newer)."
)


async def inspect(connector: Connector, settings: Mapping[str, str]) -> None:
    """Raises Misconfigured for a server or a pooler that the service must not use.

    `settings` are those with which the connector opens connections. The application's name is not compared.
    """
    compared = {name.lower(): value for name, value in settings.items() if name != "application_name"}
    try:
        first = await connector.open()
    except asyncpg.ProtocolViolationError as error:
        raise Misconfigured(
            f"The pooler in front of PostgreSQL rejects a connection: {error}. Name the settings {', '.join(sorted(compared))} "
            "in its ignore_startup_parameters; the next start tells how to set them for the role."
        ) from error
    try:
        version = first.get_server_version()
        require_version(version.major, version.minor)
        await _require_settings(first, compared)
        await _require_safe_pooler(connector, first)
    finally:
        first.terminate()


async def _require_settings(driver: Driver, expected: Mapping[str, str]) -> None:
    """Compares what the server uses with what the connection asked for. A pooler may drop settings."""
    used = dict(await driver.fetch(SETTINGS, list(expected)))
    dropped = {name: value for name, value in sorted(expected.items()) if used.get(name) != value}
    if dropped:
        command = await driver.fetchval(COMMAND)
        commands = " ".join(f"{command} SET {name} = '{value}';" for name, value in dropped.items())
        raise Misconfigured(
            f"The pooler in front of PostgreSQL drops the settings of a connection ({', '.join(dropped)}). "
            f"Connect to PostgreSQL directly, or set them for the role: {commands}"
        )


async def _require_safe_pooler(connector: Connector, first: Driver) -> None:
    """Runs a prepared statement while another connection holds the server connection on which it was prepared."""
    second = await connector.open()
    try:
        for _ in range(ROUNDS):
            before = await first.fetchval(BACKEND)
            async with second.transaction():
                shared = await second.fetchval(BACKEND) == before
                await _run_again(first, shared=shared)
    except (*MIXED, asyncpg.ProtocolViolationError) as error:
        raise Misconfigured(UNSAFE) from error
    finally:
        second.terminate()


async def _run_again(driver: Driver, *, shared: bool) -> None:
    """A connection that waits for one that a pooler lent to another client would wait for ever."""
    try:
        await driver.fetchval(BACKEND, timeout=LIMIT)
    except TimeoutError as error:
        if shared:
            raise Misconfigured(UNSAFE) from error
        raise
