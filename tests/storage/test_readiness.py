"""/readyz and `serve` tell why the database cannot be used, and requests answer 503 meanwhile."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from app.errors import Misconfigured, Unusable
from app.storage import inspection, migrations
from app.storage.database import Database
from app.storage.migrations import migrate
from app.storage.readiness import Readiness
from tests.conftest import Service, opened
from tests.storage.proxy import proxied

LONG = 20.0


@pytest.fixture
async def readiness(database: Database) -> AsyncIterator[Readiness]:
    readiness = Readiness(database)
    yield readiness
    await readiness.close()


async def execute(database: Database, statement: str) -> None:
    async with database.write() as connection:
        await connection.execute(text(statement))


async def test_a_silent_database_is_told_within_a_second_and_many_probes_are_one(database_url: str) -> None:
    async with proxied(database_url) as proxy, opened(proxy.address) as database:
        readiness = Readiness(database)
        assert await readiness.find_problem(LONG) is None
        proxy.freeze()
        connections = len(proxy.writers)
        problems = await asyncio.gather(*(readiness.find_problem() for _ in range(50)))
        assert set(problems) == {"the database does not answer"}
        assert len(proxy.writers) == connections
        proxy.thaw()
        assert await readiness.find_problem(LONG) is None
        await readiness.close()


async def test_a_wrong_password_is_told_without_naming_the_user(database_url: str) -> None:
    parts = urlsplit(database_url)
    if parts.password is None:
        pytest.skip("this server asks for no password")
    url = parts._replace(netloc=parts.netloc.replace(f":{parts.password}", ":wrong")).geturl()
    async with opened(url) as database:
        readiness = Readiness(database)
        assert await readiness.find_problem(LONG) == "the database rejects the user or the password"
        with pytest.raises(Unusable) as raised:
            await execute(database, "SELECT 1")
        assert "password authentication failed" in raised.value.explanation
        await readiness.close()


async def test_a_connection_that_is_read_only_is_dropped(database: Database) -> None:
    async with database.read() as connection:
        await connection.driver.execute("SET default_transaction_read_only = on")
    with pytest.raises(Unusable, match="not available") as raised:
        await execute(database, "CREATE TABLE extra (id text)")
    assert "read-only" in raised.value.explanation
    await execute(database, "SELECT 1 FROM accounts FOR UPDATE")


async def test_a_read_only_database_is_told(database: Database, readiness: Readiness) -> None:
    async with database.read() as connection:
        name = await connection.scalar(text("SELECT current_database()"))
        await connection.driver.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        assert await readiness.find_problem(LONG) == "the database is read-only"
    finally:
        async with database.read() as connection:
            await connection.driver.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert await readiness.find_problem(LONG) is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/customers", None),
        ("GET", "/v1/Organizations/{}/clients", None),
        ("POST", "/graphql", {"query": "{ clients(first: 1) { nodes { id } } }"}),
        ("POST", "/graphql", {"query": 'mutation { createCustomer(input: {name: "A"}) { customer { id } } }'}),
    ],
)
async def test_a_missing_table_is_answered_with_503(
    service: Service, method: str, path: str, body: object, caplog: pytest.LogCaptureFixture
) -> None:
    await execute(service.database, "ALTER TABLE clients RENAME TO gone")
    answer = await service.http.request(method, path.format(service.organization), json=body)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert "The database cannot be used" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_graphql_answer_with_a_value_stays_200(service: Service) -> None:
    await execute(service.database, "ALTER TABLE clients RENAME TO gone")
    answer = await service.http.post(
        "/graphql", json={"query": "{ viewer { scopes } organization { clients(first: 1) { nodes { id } } } }"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["viewer"]
    assert answer.json()["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"


async def test_a_newer_database_that_declares_itself_compatible_is_ready(
    database: Database, readiness: Readiness
) -> None:
    newest = migrations.known_revisions()[0]
    await execute(database, "UPDATE alembic_version SET version_num = 'future'")
    await execute(database, f"COMMENT ON TABLE alembic_version IS '{migrations.COMPATIBLE}{newest} future'")
    assert await readiness.find_problem(LONG) is None
    assert await migrate(database) is False


async def test_a_newer_database_that_is_not_compatible_is_told_in_one_line(
    database: Database, readiness: Readiness
) -> None:
    await execute(database, "UPDATE alembic_version SET version_num = 'future'")
    await execute(database, f"COMMENT ON TABLE alembic_version IS '{migrations.COMPATIBLE}future'")
    assert await readiness.find_problem(LONG) == migrations.NEWER
    with pytest.raises(
        Misconfigured, match="revision future, which this version of the service does not know"
    ) as raised:
        await migrate(database)
    assert "\n" not in str(raised.value)


async def test_an_old_postgresql_is_told_in_one_line(
    database: Database, readiness: Readiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "OLDEST", 99)
    with pytest.raises(Misconfigured, match=re.compile(r"^PostgreSQL 99 or newer is needed; this is \d+\.\d+\.$")):
        await migrate(database)
    assert "log has the reason" in str(await readiness.find_problem(LONG))
    assert "PostgreSQL 99 or newer" in str(readiness.flaw)


async def test_settings_that_a_pooler_drops_are_named_with_their_remedy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {**database.settings, "statement_timeout": "12345"}
    with pytest.raises(Misconfigured, match=r"ALTER ROLE \S+ SET statement_timeout = '12345';"):
        await inspection.inspect(database.pool.connector, asked)


async def test_a_direct_connection_passes_the_inspection(database: Database) -> None:
    await inspection.inspect(database.pool.connector, database.settings)
