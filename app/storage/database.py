"""Database: a pool of connections; read() opens one in autocommit, write() one transaction."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.errors import Malformed, TooSlow, Unavailable
from app.storage.connection import Connection
from app.storage.deadline import OutOfTime, time_left
from app.storage.pool import Pool, connect

QUERY_CANCELED, INVALID_REGEX, DATA_EXCEPTION = "57014", "2201B", "22"
PROGRAM_LIMIT = "54"
"""What is more than PostgreSQL has place for, such as a text of thousands of letters in an index."""
LOST = ("08", "53", "57P", "58", "3D")
"""The classes of SQLSTATE that say that the server or the database is gone, full or failing."""
WAIT_FOR_CONNECTION = 10.0
NOT_STORABLE = "A value cannot be compared or stored as it is"


class Database:
    """The PostgreSQL behind the service.

    `url` is any libpq address that asyncpg reads (sslmode, a socket folder as host, several hosts). `pool_size` is the
    most connections at once. `statement_timeout` is in seconds; a statement that runs longer is refused as TooSlow.
    read() and write() raise Unavailable when the server cannot be reached, or no connection is free for ten seconds.
    """

    def __init__(self, url: str, *, pool_size: int = 8, statement_timeout: float | None = None) -> None:
        self.url = url
        self.pool_size = pool_size
        self.settings = {
            "jit": "off",
            "max_parallel_workers_per_gather": "0",
            "timezone": "UTC",
            "application_name": "clientele",
        }
        if statement_timeout is not None:
            self.settings["statement_timeout"] = str(int(statement_timeout * 1000))
        self.pool = Pool(url, pool_size, self.settings, WAIT_FOR_CONNECTION)
        self.on_commit: Callable[[], None] | None = None
        """Called after each statement() and write() that has committed; it must neither wait nor fail."""

    def read(self) -> "ConnectionContext":
        """One connection in autocommit, for reads."""
        return ConnectionContext(self.pool, transaction=False)

    def statement(self) -> "ConnectionContext":
        """One connection in autocommit, for a write that is one statement: PostgreSQL makes it one transaction."""
        return ConnectionContext(self.pool, transaction=False, committed=self.on_commit)

    def write(self) -> "ConnectionContext":
        """One connection in one transaction: committed at the end of the block, rolled back when it raises."""
        return ConnectionContext(self.pool, transaction=True, committed=self.on_commit)

    def snapshot(self) -> "ConnectionContext":
        """One connection in one transaction that only reads, and sees what was committed when it began."""
        return ConnectionContext(self.pool, transaction=True, isolation="repeatable_read", readonly=True)

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[AsyncEngine]:
        """SQLAlchemy's engine, for migrations."""

        async def open_one() -> "asyncpg.Connection[Any]":
            return await connect(self.url, server_settings=self.settings)

        engine = create_async_engine("postgresql+asyncpg://", async_creator=open_one, poolclass=NullPool)
        try:
            yield engine
        except Exception as error:
            raise translate(error) from error
        finally:
            await engine.dispose()

    async def close(self) -> None:
        await self.pool.close()


class ConnectionContext:
    """A block with a connection of the pool; what PostgreSQL refuses in it leaves it as the service's own refusal."""

    __slots__ = ("committed", "driver", "options", "pool", "transaction")

    def __init__(
        self, pool: Pool, *, transaction: bool, committed: Callable[[], None] | None = None, **options: Any
    ) -> None:
        self.pool = pool
        self.committed = committed
        self.transaction: Any = transaction
        self.options = options

    async def __aenter__(self) -> Connection:
        try:
            async with asyncio.timeout(time_left()):
                self.driver = await self.pool.take()
        except Exception as error:
            time_left()
            raise translate(error) from error
        if self.transaction:
            await self._begin()
        return Connection(self.driver)

    async def _begin(self) -> None:
        self.transaction = self.driver.transaction(**self.options)
        try:
            await self.transaction.start()
        except BaseException as error:
            self.pool.give_back(self.driver, sound=False)
            raise translate(error) from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sound = _is_sound(error)
        try:
            if self.transaction and sound:
                await (self.transaction.commit() if error is None else self.transaction.rollback())
        except BaseException as failure:
            sound = False
            raise translate(failure) from failure
        finally:
            self.pool.give_back(self.driver, sound=sound)
        if error is not None:
            translated = translate(error)
            if translated is not error:
                raise translated from error
        elif self.committed is not None:
            self.committed()


@asynccontextmanager
async def savepoint(connection: Connection) -> AsyncIterator[None]:
    """A part of the connection's transaction that is undone by itself when the block raises; refusals as elsewhere."""
    try:
        async with connection.driver.transaction():
            yield
    except asyncpg.PostgresError as error:
        raise translate(error) from error


def _is_sound(error: BaseException | None) -> bool:
    """Whether a connection can be used again after a block that ended like this."""
    if isinstance(error, asyncpg.InternalClientError | OSError | asyncio.CancelledError | OutOfTime):
        return False
    return isinstance(error, Exception | None)


def translate(error: BaseException) -> BaseException:
    """What PostgreSQL refused, as the service's own refusal; any other error as it is."""
    match error:
        case DBAPIError():
            return _refusal(getattr(error.orig, "sqlstate", None), error.orig or error, error)
        case asyncpg.PostgresError():
            return _refusal(error.sqlstate, error, error)
        case asyncpg.InterfaceError() if isinstance(error, ValueError) and not isinstance(error, UNREADABLE):
            return Malformed(NOT_STORABLE)
        case OSError() | asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return Unavailable(_first_line(error))
    return error


UNREADABLE = asyncpg.ClientConfigurationError


def _refusal(state: str | None, error: BaseException, whole: BaseException) -> BaseException:
    """What a caller did, or what the server's state is; the error itself when it is a mistake of ours."""
    if state == QUERY_CANCELED:
        return TooSlow("The question took too long; narrow it and ask again")
    if state == INVALID_REGEX:
        return Malformed("The pattern is not a valid regular expression")
    if state is None or state.startswith(LOST):
        return Unavailable(_first_line(error))
    if state.startswith((DATA_EXCEPTION, PROGRAM_LIMIT)):
        return Malformed(NOT_STORABLE)
    return whole


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
