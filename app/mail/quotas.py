"""Limits of reminders: they are counted in the outbox itself, for every process, in windows that end now."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from sqlalchemy import Double, Integer, Text, bindparam, func, select

from app.config import Config
from app.errors import Quota, TooMany
from app.mail.outbox import IS_REMINDER
from app.query.sql.index_keys import index_key
from app.storage.connection import Connection
from app.storage.tables import organizations, outbox

HOUR, DAY = 3600, 86_400
RECIPIENT = "reminders-per-recipient"
"""The name of the limit of one address."""


@dataclass(frozen=True, slots=True)
class ReminderLimits:
    """The most reminders of an organization in an hour and in a day, and in a day to one address. 0 is no limit."""

    hour: int
    day: int
    recipient: int

    @classmethod
    def of(cls, config: Config) -> "ReminderLimits":
        return cls(config.reminders_per_hour, config.reminders_per_day, config.reminders_per_recipient)


NO_LIMITS = ReminderLimits(0, 0, 0)

_organization = bindparam("organization", type_=Text())
LOCK = select(organizations.c.id).where(organizations.c.id == _organization).with_for_update(key_share=True)
"""Reminders of an organization are counted one after the other, until their transactions end."""
_age = func.extract("epoch", func.now() - outbox.c.created_at).cast(Double)
NTH_NEWEST = (
    select(_age)
    .where(outbox.c.organization_id == _organization, IS_REMINDER)
    .order_by(outbox.c.id.desc())
    .offset(bindparam("newer", type_=Integer()))
    .limit(1)
)
"""The age in seconds of the reminder behind the `newer` newest ones. It reads the end of the primary key."""
NTH_NEWEST_TO = NTH_NEWEST.where(
    index_key(func.fold(outbox.c.recipient)) == index_key(func.fold(bindparam("recipient", type_=Text())))
)


async def check_reminders(connection: Connection, limits: ReminderLimits, organization_id: str, recipient: str) -> None:
    """Raises TooMany if one more reminder is not allowed now. Call it in the transaction that stores the reminder."""
    if limits == NO_LIMITS:
        return
    await connection.execute(LOCK, {"organization": organization_id})
    parameters = {"organization": organization_id}
    waits = [
        await _find_wait(connection, quota, parameters)
        for quota in (Quota("reminders-per-hour", limits.hour, HOUR), Quota("reminders-per-day", limits.day, DAY))
    ]
    to = Quota(RECIPIENT, limits.recipient, DAY)
    waits.append(await _find_wait(connection, to, parameters | {"recipient": recipient}))
    seconds, quota = max(waits, key=lambda wait: wait[0])
    if seconds > 0:
        raise TooMany(explain_limit(quota, ceil(seconds)), ceil(seconds), quota)


async def _find_wait(connection: Connection, quota: Quota, parameters: Mapping[str, str]) -> tuple[float, Quota]:
    """The seconds until a quota allows one more reminder; 0 or less is now."""
    if not quota.amount:
        return 0.0, quota
    statement = NTH_NEWEST_TO if "recipient" in parameters else NTH_NEWEST
    age = await connection.scalar(statement, {**parameters, "newer": quota.amount - 1})
    return (0.0 if age is None else quota.seconds - age), quota


def explain_limit(quota: Quota, seconds: int) -> str:
    """The error about a limit that allows the next reminder in some seconds."""
    window = "an hour" if quota.seconds == HOUR else "a day"
    to = " to one address" if quota.name == RECIPIENT else ""
    wait = f"{seconds} seconds" if seconds < 120 else f"{ceil(seconds / 60)} minutes"
    return (
        f"An organization can send at most {quota.amount} reminders{to} in {window}. The next one is allowed in {wait}."
    )
