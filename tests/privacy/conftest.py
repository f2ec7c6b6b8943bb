"""Ways to look for a person everywhere: in every row, in the planner's statistics and in the files."""

import asyncio
from typing import Any

from sqlalchemy import text

from app.mail.files import MailFiles
from app.privacy.policy import Retention
from app.privacy.worker import RetentionWorker
from app.storage.tables import metadata
from tests.conftest import Service


def make_worker(service: Service) -> RetentionWorker:
    """A worker with the settings of the service, which the test runs by itself."""
    return RetentionWorker(
        service.database, MailFiles(service.config.data_dir / "mail"), Retention.of(service.config), pause=0
    )


async def find_everywhere(service: Service, words: list[str]) -> list[str]:
    """The tables, statistics and files that contain one of the words, in any case."""
    found = []
    async with service.database.read() as connection:
        for name in [*(table.name for table in metadata.sorted_tables), "pg_stats"]:
            for row in await connection.scalars(text(f"SELECT t::text FROM {name} AS t")):
                if contains(row, words):
                    found.append(name)
        bodies = await connection.scalars(text("SELECT body FROM idempotency_keys WHERE body IS NOT NULL"))
    found += ["body" for body in bodies if contains(body.decode(), words)]
    folder = service.config.data_dir / "mail"
    files = [*folder.iterdir()] if folder.exists() else []
    return found + [file.name for file in files if contains(file.read_text("utf-8"), words)]


def contains(content: str, words: list[str]) -> bool:
    return any(word.lower() in content.lower() for word in words)


async def execute(service: Service, statement: str, **parameters: Any) -> None:
    async with service.database.write() as connection:
        await connection.execute(text(statement), parameters)


async def wait_until_sent(service: Service, count: int) -> None:
    """Waits until so many messages are sent."""
    async with asyncio.timeout(30), service.database.read() as connection:
        while await connection.scalar(text("SELECT count(*) FROM outbox WHERE state = 'sent'")) < count:
            await connection.scalar(text("SELECT pg_sleep(0.01)"))
