from sqlalchemy import text

from tests.conftest import Service


async def test_healthz_and_readyz_answer_without_a_token(service: Service) -> None:
    async with service.client(None) as anybody:
        assert (await anybody.get("/healthz")).json() == {"status": "ok"}
        assert (await anybody.get("/readyz")).json() == {"status": "ok"}


async def test_readyz_says_that_migrations_are_missing(service: Service) -> None:
    async with service.database.write() as connection:
        await connection.execute(text("DELETE FROM alembic_version"))
    answer = await service.http.get("/readyz")
    assert answer.status_code == 503
    assert "clientele migrate" in answer.json()["reason"]
