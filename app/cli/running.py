"""Runs the work of a command on the configured database. Its imports are late, so that `--help` is fast."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from app.config import Config
from app.errors import Misconfigured

if TYPE_CHECKING:
    from app.storage.database import Database

T = TypeVar("T")

FURTHER = 2
"""The connections of a worker beside its pool: for notifications and for readiness."""
FOR_COMMANDS, FEWEST_CONNECTIONS = 20, 100


@contextmanager
def database_address(config: Config, *, keep_running: bool = False) -> Iterator[str]:
    """DATABASE_URL, or the URL of the embedded database, which runs until the block ends.

    With `keep_running`, an embedded database that dies is started again.
    """
    if config.database_url is not None:
        yield config.database_url
        return
    from app.postgres.embedded import embedded_postgres

    with embedded_postgres(config.data_dir, settings=embedded_settings(config), keep_running=keep_running) as url:
        yield url


def embedded_settings(config: Config) -> dict[str, str]:
    """The settings of the embedded PostgreSQL: connections for all workers and for some commands beside them."""
    connections = config.workers * (config.pool_size + FURTHER) + FOR_COMMANDS
    return {"max_connections": str(max(connections, FEWEST_CONNECTIONS))}


def with_database(work: "Callable[[Database], Awaitable[T]]", *, as_it_is: bool = False) -> T:
    """Runs `work` on the configured database and returns its result. Migrates an embedded database first.

    Raises Misconfigured if the database lacks migrations, or is too new. With `as_it_is`, the schema is not looked at.
    """
    config = Config.from_environment()
    with database_address(config) as url:
        return asyncio.run(_run(work, url, prepare=not as_it_is, embedded=config.embedded))


async def _run(work: "Callable[[Database], Awaitable[T]]", url: str, *, prepare: bool, embedded: bool) -> T:
    from app.storage.database import Database

    database = Database(url, pool_size=2)
    try:
        if prepare:
            await _prepare_schema(database, embedded=embedded)
        return await work(database)
    finally:
        await database.close()


async def _prepare_schema(database: "Database", *, embedded: bool) -> None:
    from app.storage.migrations import migrate

    if embedded:
        await migrate(database)
    else:
        await _require_schema(database)


async def _require_schema(database: "Database") -> None:
    from app.storage.migrations import MISSING, find_schema_problem, require_version

    async with database.read() as connection:
        version = connection.driver.get_server_version()
        require_version(version.major, version.minor)
        problem = await find_schema_problem(connection)
    if problem == MISSING:
        raise Misconfigured("The database lacks migrations. Run clientele migrate first.")
    if problem is not None:
        raise Misconfigured(f"{problem[0].upper()}{problem[1:]}.")
