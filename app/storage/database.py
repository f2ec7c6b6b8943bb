"""Database: a pool of connections. read() takes one in autocommit, write() takes one in a transaction.

SharedDatabase is the same database for one operation of a tenant, which gets its share of the connections.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from types import TracebackType
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.observability.figures import current_figures
from app.storage.connection import Connection
from app.storage.connector import Connector, connect
from app.storage.deadline import PatternOutOfTime, time_left, time_limit
from app.storage.driver import Driver
from app.storage.kept import LONGEST
from app.storage.pool import Pool, Share
from app.storage.shares import Shares
from app.storage.translation import is_sound, translate

WAIT_FOR_CONNECTION = 5.0
GRACE = 2.0
"""Seconds beyond the statement timeout in which the server must have answered."""
KEPT_STATEMENTS, LONGEST_STATEMENT = 128, LONGEST
"""The prepared statements of one connection, and the most characters of each. PostgreSQL takes about 40 bytes for each
character."""
LEAVING = (TimeoutError, asyncpg.ReadOnlySQLTransactionError)
"""The errors of a server that does not answer or no longer accepts writes."""
ANSWER_CAP, PATTERN_TIMEOUT = 10_000_000, 2.0


class ConnectionSource:
    """Opens blocks with one connection each.

    They raise Unavailable when the server cannot be reached or no connection becomes free, and TooMany for a tenant that
    uses up its share of the connections.
    """

    pool: Pool | Share
    pattern_timeout: float

    def committed(self) -> None:
        """Tells the listener that a transaction was committed."""
        raise NotImplementedError

    def read(self, *, slow_pattern: bool = False) -> "ConnectionContext":
        """One connection in autocommit, for reads. With a slow pattern, they raise PatternOutOfTime after its timeout."""
        return ConnectionContext(self.pool, transaction=False, limit=self.pattern_timeout if slow_pattern else None)

    def statement(self) -> "ConnectionContext":
        """One connection in autocommit, for a write of one statement, which PostgreSQL runs as one transaction."""
        return ConnectionContext(self.pool, transaction=False, committed=self.committed)

    def write(self) -> "ConnectionContext":
        """One connection in one transaction, which is committed at the end of the block or rolled back by an exception."""
        return ConnectionContext(self.pool, transaction=True, committed=self.committed)

    def snapshot(self) -> "ConnectionContext":
        """One connection in a read-only transaction that sees one snapshot."""
        return ConnectionContext(self.pool, transaction=True, isolation="repeatable_read", readonly=True)

    def full_among(self, organizations: Sequence[str]) -> frozenset[str]:
        """The organizations that have used up their quota of storage."""
        raise NotImplementedError

    def renew(self) -> "ConnectionSource":
        """The same source for another operation."""
        return self

    def hold(self, size: int) -> None:
        """Counts bytes of the answer that came from elsewhere. Raises AnswerTooLarge and TooMany."""

    def show(self, size: int) -> None:
        """Counts bytes that are written into the answer. Those that were received already count once."""

    def end(self) -> None:
        """Says that the answer of the operation was sent or dropped."""


class Database(ConnectionSource):
    """The PostgreSQL behind the service.

    `url` is any libpq address that asyncpg reads (sslmode, a socket folder as host, several hosts). `pool_size` is the
    highest number of open connections. `statement_timeout` is in seconds; a longer statement raises TooSlow.
    A statement that the server has not ended two seconds after its timeout raises Unavailable, and the connections to
    this server are dropped. `answer_cap` is the most bytes that the server sends for one operation of a tenant.
    `pattern_timeout` is in seconds, for all statements of a block with a slow pattern.

    Its own blocks are for the service itself. They may use the connections that are reserved for it.
    """

    pool: Pool

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 20,
        statement_timeout: float | None = None,
        answer_cap: int = ANSWER_CAP,
        pattern_timeout: float = PATTERN_TIMEOUT,
    ) -> None:
        self.pattern_timeout = pattern_timeout
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
        connector = Connector(
            url,
            server_settings=self.settings,
            command_timeout=None if statement_timeout is None else statement_timeout + GRACE,
            statement_cache_size=KEPT_STATEMENTS,
            max_cacheable_statement_size=LONGEST_STATEMENT,
            max_cached_statement_lifetime=0,
        )
        self.pool = Pool(connector, Shares(pool_size, answer_cap), WAIT_FOR_CONNECTION, self.access_changed)
        self.on_commit: Callable[[], None] | None = None
        """Called after each commit of statement() and write(). It must not wait and must not fail."""

        self.access_listeners: set[Callable[[], None]] = set()
        """Called after each commit of this process that changed access. They must not wait and must not fail."""

        self.is_full: Callable[[str], bool] | None = None
        """Tells whether an organization has used up its quota of storage. It must not wait and must not fail."""

    def committed(self) -> None:
        if self.on_commit is not None:
            self.on_commit()

    def access_changed(self) -> None:
        """Tells the listeners that a transaction changed access."""
        for listener in tuple(self.access_listeners):
            listener()

    def full_among(self, organizations: Sequence[str]) -> frozenset[str]:
        return frozenset() if self.is_full is None else frozenset(filter(self.is_full, organizations))

    def share(self, owner: str) -> "SharedDatabase":
        """The database for one operation of a tenant."""
        return SharedDatabase(self, owner)

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[AsyncEngine]:
        """Opens SQLAlchemy's engine, for migrations."""

        async def open_connection() -> Driver:
            return await connect(self.url, server_settings=self.settings)

        engine = create_async_engine("postgresql+asyncpg://", async_creator=open_connection, poolclass=NullPool)
        try:
            yield engine
        except Exception as error:
            raise translate(error) from error
        finally:
            await engine.dispose()

    async def close(self) -> None:
        await self.pool.close()


class SharedDatabase(ConnectionSource):
    """The database for one operation of a tenant."""

    pool: Share

    def __init__(self, database: Database, owner: str) -> None:
        self.database = database
        self.pattern_timeout = database.pattern_timeout
        self.pool = Share(database.pool, owner)

    def committed(self) -> None:
        self.database.committed()

    def full_among(self, organizations: Sequence[str]) -> frozenset[str]:
        return self.database.full_among(organizations)

    def renew(self) -> "SharedDatabase":
        return SharedDatabase(self.database, self.pool.owner)

    def hold(self, size: int) -> None:
        self.pool.receive(size)

    def show(self, size: int) -> None:
        self.pool.show(size)

    def end(self) -> None:
        self.pool.end()


class ConnectionContext:
    """A block with a connection of the pool. An error of PostgreSQL leaves the block as one of app.errors."""

    __slots__ = ("committed", "driver", "limit", "options", "pool", "transaction")

    def __init__(
        self,
        pool: Pool | Share,
        *,
        transaction: bool,
        committed: Callable[[], None] | None = None,
        limit: float | None = None,
        **options: Any,
    ) -> None:
        self.pool = pool
        self.limit = None if limit is None else time_limit(limit, PatternOutOfTime)
        self.committed = committed
        self.transaction: Any = transaction
        self.options = options

    async def __aenter__(self) -> Connection:
        self.driver = self.pool.take_now() or await self._wait_for_driver()
        if self.transaction:
            await self._begin()
        if self.limit is not None:
            self.limit.__enter__()
        return Connection(self.driver)

    async def _wait_for_driver(self) -> Driver:
        began = perf_counter()
        try:
            return await self.pool.take()
        except Exception as error:
            time_left()
            raise translate(error) from error
        finally:
            current_figures.get().wait_seconds += perf_counter() - began

    async def _begin(self) -> None:
        self.transaction = self.driver.transaction(**self.options)
        try:
            await self.transaction.start()
        except BaseException as error:
            self._give_back(error)
            raise translate(error) from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.limit is not None:
            self.limit.__exit__(None, None, None)
        ended = self.driver.meter.error
        cause = ended or error
        sound = cause is None or (ended is None and is_sound(cause) and not self.driver.is_closed())
        try:
            if self.transaction and sound:
                await (self.transaction.commit() if cause is None else self.transaction.rollback())
        except BaseException as failure:
            self._give_back(failure, sound=False)
            raise translate(failure) from failure
        self._give_back(error, sound=sound)
        if cause is not None:
            translated = translate(cause)
            if translated is not error:
                raise translated from error
        elif self.committed is not None:
            self.committed()

    def _give_back(self, error: BaseException | None, *, sound: bool = False) -> None:
        """Returns the connection. Drops all idle ones to a server that does not answer or no longer accepts writes."""
        if error is not None and isinstance(error, LEAVING):
            self.driver.terminate()
            self.pool.leave_server()
        self.pool.give_back(self.driver, sound=sound)
