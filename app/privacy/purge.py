"""Purge: everything of an account or an organization is deleted, in batches, when the time of its deletion has come."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy.sql.elements import ClauseElement

from app.mail.files import MailFiles
from app.privacy.ownership import (
    DUE_ACCOUNTS,
    DUE_ORGANIZATIONS,
    NOTE_PURGE,
    PURGE_ACCOUNT,
    PURGE_ACCOUNT_ROWS,
    PURGE_MESSAGES,
    PURGE_ORGANIZATION,
    PURGE_ROWS,
)
from app.privacy.statements import BATCH, TRY_TURN, WAIT_FOR_TURN
from app.storage.connection import Rows
from app.storage.database import Database


class Batches:
    """Runs statements of the retention worker, one batch per transaction. `pause` is the seconds between two batches.

    With `waits`, a batch waits for the batch of another process. Otherwise it ends there.
    """

    def __init__(self, database: Database, pause: float, *, waits: bool = False) -> None:
        self.database = database
        self.pause = pause
        self.turn = WAIT_FOR_TURN if waits else TRY_TURN

    async def run(self, statement: ClauseElement, parameters: Mapping[str, Any]) -> AsyncIterator[Rows]:
        """The rows of each batch, until one is not full."""
        while True:
            async with self.database.write() as connection:
                if await connection.scalar(self.turn) is False:
                    return
                rows = await connection.execute(statement, parameters)
            yield rows
            if len(rows) < BATCH:
                return
            await asyncio.sleep(self.pause)

    async def count(self, statement: ClauseElement, parameters: Mapping[str, Any]) -> int:
        """The number of rows of all batches."""
        return sum([len(rows) async for rows in self.run(statement, parameters)])


async def purge_due(batches: Batches, files: MailFiles) -> dict[str, int]:
    """Purges every account and organization whose time has come. Gives the numbers of those that are gone."""
    async with batches.database.read() as connection:
        organizations = await connection.scalars(DUE_ORGANIZATIONS)
        accounts = await connection.scalars(DUE_ACCOUNTS)
    purged = {"deleted organizations": 0, "deleted accounts": 0}
    for organization_id in organizations:
        purged["deleted organizations"] += await _purge_organization(batches, files, organization_id)
    for account_id in accounts:
        await batches.count(PURGE_ACCOUNT_ROWS, {"account": account_id})
        purged["deleted accounts"] += await _purge(batches, PURGE_ACCOUNT, {"account": account_id})
    return purged


async def _purge_organization(batches: Batches, files: MailFiles, organization_id: str) -> int:
    owner = {"organization": organization_id}
    async for rows in batches.run(PURGE_MESSAGES, owner):
        await files.remove([row[0] for row in rows])
    for statement in PURGE_ROWS:
        await batches.count(statement, owner)
    return await _purge(batches, PURGE_ORGANIZATION, owner)


async def _purge(batches: Batches, statement: ClauseElement, owner: Mapping[str, str]) -> int:
    """Deletes the row of an owner itself."""
    gone = await batches.count(statement, owner)
    if gone:
        async with batches.database.write() as connection:
            await connection.execute(NOTE_PURGE)
    return gone
