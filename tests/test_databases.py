"""The databases of the tests: one is used again only when it is as the migrations made it."""

from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.conftest import STOCK, cloned


def database_name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


async def changed(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE outbox ALTER next_attempt_at SET DEFAULT now() + interval '1 day'",
        "ALTER TABLE outbox ALTER next_attempt_at DROP DEFAULT",
        "ALTER TABLE clients ALTER version SET DEFAULT 7",
        "ALTER TABLE clients ALTER name DROP NOT NULL",
        "ALTER TABLE clients SET (autovacuum_enabled = false)",
        "CREATE FUNCTION extra() RETURNS integer LANGUAGE sql RETURN 1",
        "ALTER TABLE clients RENAME TO gone",
        "CREATE INDEX extra ON clients (note)",
        "CREATE TABLE extra (id text)",
    ],
)
async def test_a_database_that_a_test_has_changed_is_not_used_again(
    server_url: str, template: str, statement: str
) -> None:
    async with cloned(server_url, template) as url:
        await changed(url, statement)
    assert database_name(url) not in [name for name, _ in STOCK]


async def test_a_database_that_only_got_rows_is_used_again_without_them(server_url: str, template: str) -> None:
    async with cloned(server_url, template) as url:
        await changed(url, "INSERT INTO accounts (id, email) VALUES ('a', 'a@a.example')")
    assert STOCK[-1][0] == database_name(url)
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM accounts") == 0
    finally:
        await connection.close()
