"""A statement that PostgreSQL prepared before its table changed is prepared anew, also where the driver knows it already."""

import pytest
from sqlalchemy import text

from app.errors import Contended
from app.storage.connection import Connection
from app.storage.database import Database

MAKE, CHANGE = "CREATE TABLE notes AS SELECT 1 AS number", "ALTER TABLE notes ALTER COLUMN number TYPE text"
READ = text("SELECT * FROM notes")


async def change_known_table(connection: Connection) -> None:
    """Makes READ a known statement of the connection, and then changes its table."""
    await connection.driver.execute(MAKE)
    assert await connection.scalar(READ) == 1
    await connection.driver.execute(CHANGE)


async def test_a_single_statement_is_run_again(database: Database) -> None:
    async with database.read() as connection:
        await change_known_table(connection)
        assert await connection.scalar(READ) == "1"


async def test_a_transaction_fails_and_the_next_one_succeeds(database: Database) -> None:
    async with database.read() as connection:
        await change_known_table(connection)
    with pytest.raises(Contended):
        async with database.write() as connection:
            await connection.execute(READ)
    async with database.write() as connection:
        assert await connection.scalar(READ) == "1"
