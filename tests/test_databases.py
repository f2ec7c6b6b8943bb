"""A test's database is used again only when its schema is the one that the migrations created."""

from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.conftest import UNUSED_CLONES, cloned


def database_name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


async def execute(url: str, statement: str) -> None:
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
async def test_a_database_with_a_changed_schema_is_not_used_again(
    server_url: str, template: str, statement: str
) -> None:
    async with cloned(server_url, template) as url:
        await execute(url, statement)
    assert database_name(url) not in [name for name, _ in UNUSED_CLONES]


async def test_a_database_with_new_rows_only_is_emptied_and_used_again(server_url: str, template: str) -> None:
    async with cloned(server_url, template) as url:
        await execute(url, "INSERT INTO accounts (id, email) VALUES ('a', 'a@a.example')")
    assert UNUSED_CLONES[-1][0] == database_name(url)
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM accounts") == 0
    finally:
        await connection.close()
