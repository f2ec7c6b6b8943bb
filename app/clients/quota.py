"""StorageQuota: the most records and bytes of history of one organization, at no cost for the statement of a write.

A process knows the usage of the organizations that write. It reads what was added in the background, at most once per
`interval` seconds, so an organization can exceed its quota by what it writes in that time.
"""

import asyncio
from collections import OrderedDict
from contextvars import Context
from dataclasses import dataclass
from time import monotonic

from app.clients.statements import GROWTH, GROWTH_AT_ONCE
from app.errors import DomainError
from app.storage.database import Database

MOST_ORGANIZATIONS = 10_000
WHOLE_AFTER = 600.0
"""Seconds after which the history of a full organization is measured again from its start, to notice deletions."""
LATE = 86_400.0
"""The same for an organization that is not full."""


@dataclass(slots=True)
class Usage:
    """The live records of an organization, and the bytes of its history up to the change `number`."""

    records: int = 0
    history: int = 0
    number: int = 0
    read_at: float = float("-inf")
    started_at: float = float("-inf")
    reading: "asyncio.Task[None] | None" = None


class StorageQuota:
    """`records` and `history` (in bytes) are the limits; 0 is no limit."""

    def __init__(self, database: Database, records: int, history: int, *, interval: float = 10.0) -> None:
        self.database = database
        self.records = records
        self.history = history
        self.interval = interval
        self._usages: OrderedDict[str, Usage] = OrderedDict()

    def is_full(self, organization_id: str) -> bool:
        """True if the organization is known to have used up its quota. Starts to read its usage if that is old."""
        usage = self._usages.setdefault(organization_id, Usage())
        self._usages.move_to_end(organization_id)
        if len(self._usages) > MOST_ORGANIZATIONS:
            self._usages.popitem(last=False)
        idle = usage.reading is None or usage.reading.done()
        if idle and monotonic() - usage.read_at > self.interval:
            usage.read_at = monotonic()
            usage.reading = asyncio.create_task(self._read(organization_id, usage), context=Context())
        return self._exceeds(usage)

    async def refresh(self, organization_id: str) -> None:
        """Reads the whole usage of an organization now."""
        usage = self._usages[organization_id] = Usage(read_at=monotonic())
        await self._read(organization_id, usage)

    def _exceeds(self, usage: Usage) -> bool:
        return 0 < self.records <= usage.records or 0 < self.history <= usage.history

    async def _read(self, organization_id: str, usage: Usage) -> None:
        """Adds what is new. An error leaves the usage as it was until the next time."""
        if monotonic() - usage.started_at > (WHOLE_AFTER if self._exceeds(usage) else LATE):
            usage.history, usage.number, usage.started_at = 0, 0, monotonic()
        try:
            while await self._read_part(organization_id, usage) == GROWTH_AT_ONCE:
                pass
        except DomainError:
            return

    async def _read_part(self, organization_id: str, usage: Usage) -> int:
        async with self.database.read() as connection:
            parameters = {"organization": organization_id, "after": usage.number}
            usage.records, count, number, history = (await connection.execute(GROWTH, parameters)).one()
        usage.history += history
        usage.number = number
        return int(count)
