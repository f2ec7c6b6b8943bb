"""The application on a real PostgreSQL. The migrations create one template database; each test uses an empty clone of it."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, settings
from starlette.applications import Starlette

from app.accounts.service import create_account
from app.auth import Scope
from app.config import Config
from app.main import collect_rarely, create_app
from app.organizations.service import create_organization, create_token
from app.postgres.embedded import embedded_postgres, remove_embedded
from app.storage.database import Database
from app.storage.migrations import migrate
from app.storage.tables import metadata
from tests import openapi_documents
from tests.tenant_scope import Unscoped, listen

UNSAFE_AND_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
"""PostgreSQL's settings for a server whose data may be lost."""


settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

UNSCOPED: list[Unscoped] = []
"""The statements of the service that touch a tenant's table without naming the organization."""

listen(UNSCOPED)
openapi_documents.listen()


STARTING_PROCESSES = {
    "test_backups.py",
    "test_cli.py",
    "test_commands.py",
    "test_embedded.py",
    "test_failures.py",
    "test_inputs.py",
    "test_metrics.py",
    "test_migrations.py",
    "test_packaging.py",
    "test_readme.py",
    "test_server.py",
    "test_start.py",
    "test_watcher.py",
}
"""The files whose tests take many seconds, because they start services, servers or installations."""


def pytest_collection_finish() -> None:
    """Lets the garbage collector work as in a worker of the service."""
    collect_rarely()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs the longest tests first, so that no process of the run waits for another one at the end."""
    items.sort(key=lambda item: item.path.name not in STARTING_PROCESSES)


@pytest.fixture(autouse=True)
def _every_statement_names_its_organization() -> Iterator[None]:
    """Fails the first test that runs a statement without a tenant scope."""
    yield
    unscoped, UNSCOPED[:] = tuple(UNSCOPED), []
    assert not unscoped, "\n".join(map(str, unscoped))


@pytest.fixture(autouse=True)
def _every_response_is_documented() -> Iterator[None]:
    """Fails the first test that sees a response, or a parameter of v1, that the OpenAPI documents do not tell."""
    yield
    found, openapi_documents.UNDOCUMENTED[:] = tuple(openapi_documents.UNDOCUMENTED), []
    assert not found, "\n".join(found)


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose role may create databases: DATABASE_URL, or an embedded server for the test run."""
    configured = os.environ.get("DATABASE_URL")
    if configured:
        yield configured
        return
    folder = tmp_path_factory.mktemp("postgres")
    try:
        with embedded_postgres(folder, settings=UNSAFE_AND_FAST) as url:
            yield url
    finally:
        remove_embedded(folder)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _drop(url: str, name: str) -> None:
    """Drops a database. A role without superuser rights cannot end an autovacuum; a plain DROP waits for it."""
    try:
        await _execute(url, f"DROP DATABASE {name} WITH (FORCE)")
    except asyncpg.InsufficientPrivilegeError:
        await _execute(url, f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a database that the migrations created and that has no connections."""
    name = f"clientele_template_{uuid.uuid4().hex[:12]}"

    async def build() -> None:
        await _execute(server_url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        database = Database(_with_database(server_url, name))
        await migrate(database)
        await database.close()

    async def clear() -> None:
        for clone in (*(clone for clone, _ in UNUSED_CLONES), name):
            await _drop(server_url, clone)

    asyncio.run(build())
    yield name
    asyncio.run(clear())


BROKEN_CLIENTS = """
ALTER TABLE clients RENAME TO hidden_away;
CREATE FUNCTION fail() RETURNS SETOF hidden_away LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'unexpected'; END $$;
CREATE VIEW clients AS SELECT * FROM fail();
"""
"""Makes every read of clients fail with an error that no part of the service expects."""

PATIENCE = 30.0
"""Seconds for a statement and for a free connection, so that a busy machine fails no test."""

CHEAP = 1
"""MiB for the hash of a test's password."""

UNUSED_CLONES: list[tuple[str, str]] = []
"""The names and schema digests of clones that a test may use."""

SCHEMA_DIGEST = """
SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
    SELECT concat_ws(' ', relname, reloptions, attname, atttypid, attnotnull, pg_get_expr(adbin, adrelid))
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT concat_ws(' ', proname, prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', conname, pg_get_constraintdef(oid)) FROM pg_constraint
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT concat_ws(' ', tgname, tgenabled) FROM pg_trigger
    UNION ALL SELECT version_num FROM alembic_version
) AS parts (part)
"""
"""A digest of the schema: columns with their defaults, storage options, functions, constraints, indexes, triggers."""
NAMES = [table.name for table in metadata.sorted_tables]
EMPTY = f"TRUNCATE {', '.join(NAMES)} RESTART IDENTITY"
DELETE = "; ".join(f"DELETE FROM {name}" for name in reversed(NAMES))
MANY = "SELECT count(*) > 500 FROM (SELECT FROM client_changes UNION ALL SELECT FROM clients LIMIT 501) AS sample"
"""Tells whether TRUNCATE is faster than DELETE: truncating all tables costs as much as deleting about a thousand rows."""
ALONE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def _read_digest(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval(SCHEMA_DIGEST))
    finally:
        await connection.close()


async def _reset(url: str, digest: str) -> bool:
    """Deletes the rows of a used database. Returns False when it failed or when a test has changed the schema."""
    try:
        connection = await asyncpg.connect(url)
    except asyncpg.PostgresError:
        return False
    try:
        await connection.execute(ALONE)
        if await connection.fetchval(SCHEMA_DIGEST) != digest:
            return False
        await connection.execute(EMPTY if await connection.fetchval(MANY) else DELETE)
    except asyncpg.PostgresError:
        return False
    else:
        return True
    finally:
        await connection.close()


async def _clone(server_url: str, template: str) -> tuple[str, str]:
    name = f"clientele_{uuid.uuid4().hex[:12]}"
    await _execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    return name, await _read_digest(_with_database(server_url, name))


@asynccontextmanager
async def cloned(server_url: str, template: str) -> AsyncIterator[str]:
    """The address of an empty clone of the template."""
    name, digest = UNUSED_CLONES.pop() if UNUSED_CLONES else await _clone(server_url, template)
    url = _with_database(server_url, name)
    try:
        yield url
    finally:
        if await _reset(url, digest):
            UNUSED_CLONES.append((name, digest))
        else:
            await _drop(server_url, name)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, statement_timeout=PATIENCE)
    database.pool.wait = PATIENCE
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database_url(server_url: str, template: str) -> AsyncIterator[str]:
    """The address of an empty clone of the template."""
    async with cloned(server_url, template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url) as database:
        yield database


@dataclass
class Service:
    """A running application with one account, the account's organization, and an HTTP client."""

    app: Starlette
    http: httpx.AsyncClient
    database: Database
    config: Config
    email: str
    organization: str
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    def client(self, token: str | None) -> httpx.AsyncClient:
        """Returns another HTTP client of the application, with another token or without one."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(transport=self.http._transport, base_url="http://service", headers=headers)

    async def make_organization(self, name: str, **options: Any) -> str:
        return await create_organization(self.database, name, **options)

    async def make_token(self, *, scope: Scope = Scope.WRITE, **options: Any) -> str:
        return await create_token(self.database, scope=scope, **options)


@asynccontextmanager
async def running(config: Config, database: Database) -> AsyncIterator[Service]:
    """Starts the service with an empty database."""
    email = "owner@example.com"
    await create_account(database, email)
    organization = await create_organization(
        database, "Studio Example", account_email=email, email="office@studio.example"
    )
    token = await create_token(database, account_email=email)
    app = create_app(config, database)
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as http,
    ):
        yield Service(app, http, database, config, email, organization, token, headers)


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    return Config(database_url=database_url, data_dir=tmp_path / "data", password_memory=CHEAP, sign_up=True)


@pytest.fixture
async def service(config: Config, database: Database) -> AsyncIterator[Service]:
    async with running(config, database) as service:
        yield service


@pytest.fixture(scope="module")
async def shared_service(
    server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """One service for all tests of a module, which must not change anything that another test reads."""
    async with cloned(server_url, template) as url, opened(url) as database:
        config = Config(database_url=url, data_dir=tmp_path_factory.mktemp("data"), password_memory=CHEAP, sign_up=True)
        async with running(config, database) as service:
            yield service
