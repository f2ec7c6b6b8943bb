"""The revision of access changes with each change that known tokens must not survive, and with no other."""

from typing import Any

import pytest
from sqlalchemy import Column, Table, text
from sqlalchemy.sql.visitors import iterate

from app.auth.known_tokens import READ_REVISION
from app.auth.statements import FIND_TOKENS
from app.storage.database import Database
from app.tokens import record_uses
from tests.auth.conftest import run, token_id
from tests.conftest import Service

HARMLESS = [
    "UPDATE access_tokens SET last_used_at = now(), label = 'x', ttl = 5, parent_id = NULL",
    "UPDATE accounts SET locale = 'sl', password_hash = 'x', email_verified = true",
    "UPDATE organizations SET name = 'x', version = version + 1",
    "UPDATE access_tokens SET scope = scope",
    "INSERT INTO accounts (id, email) VALUES ('a', 'a@example.com')",
    "INSERT INTO organizations (id, name) VALUES ('o', 'o')",
    "INSERT INTO access_tokens (id, hash, organization_id, scope) SELECT 't', 'x', id, 'read' FROM organizations",
    "DELETE FROM access_tokens WHERE expires_at < now()",
]
HARMFUL = [
    "DELETE FROM access_tokens WHERE expires_at IS NULL",
    "UPDATE access_tokens SET scope = 'read'",
    "UPDATE access_tokens SET environment = 'sandbox'",
    "UPDATE access_tokens SET hash = 'y' WHERE expires_at IS NULL",
    "UPDATE access_tokens SET expires_at = now() + interval '1 s'",
    "DELETE FROM accounts",
    "DELETE FROM organizations",
    "DELETE FROM account_organizations",
    "UPDATE accounts SET purge_at = now()",
    "UPDATE organizations SET purge_at = now()",
    "UPDATE organizations SET environment = 'sandbox'",
    "INSERT INTO organizations (id, name) VALUES ('o', 'o');"
    "INSERT INTO account_organizations SELECT id, 'o' FROM accounts",
    "TRUNCATE access_tokens",
    "TRUNCATE account_organizations",
]


async def read_revision(database: Database) -> Any:
    async with database.read() as connection:
        return await connection.scalar(READ_REVISION)


@pytest.mark.parametrize(("sql", "changes"), [*((sql, False) for sql in HARMLESS), *((sql, True) for sql in HARMFUL)])
async def test_only_changes_of_access_change_the_revision(service: Service, sql: str, changes: bool) -> None:
    past = "INSERT INTO access_tokens (id, hash, organization_id, scope, expires_at) SELECT 'e', 'e', id, 'read', "
    await run(service.database, past + "now() - interval '1 s' FROM organizations")
    before = await read_revision(service.database)
    async with service.database.write() as connection:
        await connection.driver.execute(sql)
    assert (await read_revision(service.database) != before) is changes


async def test_uses_of_tokens_do_not_change_the_revision(service: Service) -> None:
    before = await read_revision(service.database)
    async with service.database.statement() as connection:
        await record_uses(connection, [await token_id(service, service.token)])
    assert await read_revision(service.database) == before


async def test_a_change_that_is_rolled_back_changes_nothing(service: Service) -> None:
    before = await read_revision(service.database)
    async with service.database.write() as connection:
        await connection.driver.execute("SAVEPOINT start; DELETE FROM access_tokens; ROLLBACK TO start")
    assert await read_revision(service.database) == before


UPDATES = """
SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger
WHERE tgfoid = 'note_access_change'::regproc AND pg_get_triggerdef(oid) LIKE '%UPDATE%'
"""
IDENTITY = ("access_tokens", "id")
"""The key of a token, which never changes."""


async def test_every_column_that_a_look_up_reads_is_watched(database: Database) -> None:
    async with database.read() as connection:
        triggers: dict[str, str] = dict(await connection.execute(text(UPDATES)))
    parts = [part for part in iterate(FIND_TOKENS) if isinstance(part, Column) and isinstance(part.table, Table)]
    columns = {(part.table.name, part.name) for part in parts} - {IDENTITY, ("access_revision", "revision")}
    assert {table for table, _ in columns} == set(triggers)
    for table, column in columns:
        assert " WHEN " not in triggers[table] or f"old.{column}" in triggers[table], (table, column)
