"""Connection: SQLAlchemy builds the statements and asyncpg runs them, at a third of the cost of SQLAlchemy's engine."""

from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import asyncpg
import orjson
from sqlalchemy import Insert
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.elements import ClauseElement

from app.observability.figures import current_figures
from app.storage.deadline import out_of_time, time_left
from app.storage.driver import Driver, NoAnswer
from app.storage.retries import PAUSES, wait_about

CONTENTION = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
REPEATED = (*CONTENTION, asyncpg.InvalidCachedStatementError)
"""PostgreSQL has done nothing for the statement, which therefore runs again unless it is in a transaction."""
DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


class Rows(list[Any]):
    """The rows of a result. A row is read by position or by name, or is unpacked."""

    def first(self) -> Any | None:
        return self[0] if self else None

    def one(self) -> Any:
        """Returns the only row. Raises ValueError when there are no rows or several."""
        (row,) = self
        return row

    def scalar_one(self) -> Any:
        return self.one()[0]

    def mappings(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self]


Compiled: TypeAlias = tuple[str, tuple[str, ...], Mapping[str, Any]]
"""SQL, the names of its parameters in the order of $1, $2, …, and the values that the statement itself binds."""

_compiled: MutableMapping[ClauseElement, dict[tuple[str, ...] | None, Compiled]] = WeakKeyDictionary()
"""What was compiled of each statement that is still in use, by the columns of an INSERT."""


def compile_statement(statement: ClauseElement, columns: tuple[str, ...] | None) -> Compiled:
    """The compiled statement. It is compiled once.

    `columns` are the columns of an INSERT that does not name them itself.
    """
    try:
        return _compiled[statement][columns]
    except KeyError:
        compiled = _compiled.setdefault(statement, {})[columns] = _compile(statement, columns)
        return compiled


def _compile(statement: ClauseElement, columns: tuple[str, ...] | None) -> Compiled:
    compiled: Any = statement.compile(dialect=DIALECT, column_keys=columns)
    return str(compiled), tuple(compiled.positiontup or ()), compiled.params


class Connection:
    """One connection to PostgreSQL, in autocommit or in a transaction.

    A statement raises OutOfTime at the deadline of its block (`time_limit`), and PostgreSQL cancels it. It raises
    NoAnswer at the limit of its driver, when PostgreSQL has not ended it in time.
    """

    __slots__ = ("driver",)

    def __init__(self, driver: Driver) -> None:
        self.driver = driver

    async def execute(self, statement: ClauseElement, parameters: Mapping[str, Any] | None = None) -> Rows:
        """Runs a statement. Build a statement once and keep it: then it is compiled and prepared once."""
        arguments = parameters or {}
        sql, names, bound = compile_statement(statement, _columns(statement, arguments))
        values = [arguments[name] if name in arguments else bound[name] for name in names]
        left = self._time_left()
        try:
            rows = Rows(await self.driver.run(sql, values, left))
            current_figures.get().rows += len(rows)
            return rows
        except TimeoutError as error:
            raise (NoAnswer() if left is None else out_of_time()) from error
        except REPEATED:
            if self.driver.is_in_transaction():
                raise
            return await self._repeat(sql, values)

    async def _repeat(self, sql: str, values: Sequence[Any]) -> Rows:
        """Runs a statement again of which PostgreSQL did nothing. Alone, it is a whole transaction, so nothing is lost."""
        for pause in PAUSES[:-1]:
            await wait_about(pause)
            with suppress(*REPEATED):
                return Rows(await self.driver.fetch(sql, *values, timeout=self._time_left()))
        await wait_about(PAUSES[-1])
        return Rows(await self.driver.fetch(sql, *values, timeout=self._time_left()))

    def _time_left(self) -> float | None:
        """The seconds until the deadline; None when there is none, or when the limit of the driver comes first."""
        left = time_left()
        if left is None:
            return None
        limit = self.driver.statement_limit
        return left if limit is None or left < limit else None

    async def stream(
        self, statement: ClauseElement, parameters: Mapping[str, Any] | None = None, *, batch: int = 1000
    ) -> AsyncIterator[Any]:
        """Yields the rows of one snapshot, fetched by a cursor. The connection must be in a transaction."""
        arguments = parameters or {}
        sql, names, bound = compile_statement(statement, None)
        values = [arguments[name] if name in arguments else bound[name] for name in names]
        async for row in self.driver.cursor(sql, *values, prefetch=batch, timeout=self.driver.statement_limit):
            yield row

    async def scalar(self, statement: ClauseElement, parameters: Mapping[str, Any] | None = None) -> Any:
        """Returns the first value of the first row, or None when there are no rows."""
        row = (await self.execute(statement, parameters)).first()
        return None if row is None else row[0]

    async def scalars(self, statement: ClauseElement, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """Returns the first value of each row."""
        return [row[0] for row in await self.execute(statement, parameters)]

    @asynccontextmanager
    async def planning(self) -> AsyncIterator[None]:
        """A block of reads that are planned for their own values. Without a transaction, the block is one snapshot."""
        inside = self.driver.is_in_transaction()
        begin = "" if inside else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
        await self.driver.execute(f"{begin}SET LOCAL plan_cache_mode = force_custom_plan")
        try:
            yield
        except Exception:
            if not inside:
                await self.driver.execute("ROLLBACK")
            raise
        if not inside:
            await self.driver.execute("COMMIT")


def _columns(statement: ClauseElement, parameters: Mapping[str, Any]) -> tuple[str, ...] | None:
    return tuple(parameters) if isinstance(statement, Insert) and parameters else None


async def set_up(driver: Driver) -> None:
    """Makes the connection convert JSON columns from and to Python values."""
    for name in ("json", "jsonb"):
        await driver.set_type_codec(name, schema="pg_catalog", encoder=_write_json, decoder=orjson.loads)


def _write_json(value: object) -> str:
    return orjson.dumps(value).decode()
