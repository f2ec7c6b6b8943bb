"""Subject export: everything that is stored about one person, as one JSON document."""

from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from app.privacy.subject_statements import SECTIONS, SUBJECTS
from app.query.invisible import trim
from app.storage.database import Database


async def export_subject(
    database: Database, email: str, organization_id: str | None, write: Callable[[bytes], object]
) -> int:
    """Passes the document to `write` in parts, in one snapshot. Gives the number of its rows.

    It is an object with `email`, `organization`, `exported_at`, and a list of rows for each section: `clients` with the
    address, also deleted ones; their `changes`; `messages` to them or to the address; `deliveries` of their events to
    webhooks; stored `responses` that show them; `accounts` with the address and their `tokens` without secrets. The last two
    are empty for one organization.
    """
    address = trim(email)
    head = {"email": address, "organization": organization_id, "exported_at": datetime.now(UTC)}
    count = 0
    async with database.snapshot() as connection:
        parameters = {"email": address, "organization": organization_id}
        subjects = await connection.execute(SUBJECTS, parameters)
        keys = {"organizations": [row[0] for row in subjects], "clients": [row[1] for row in subjects]}
        write(orjson.dumps(head)[:-1])
        for name, statement in SECTIONS.items():
            write(f',"{name}":['.encode())
            separator = ""
            async for row in connection.stream(statement, {**parameters, **keys}):
                write(f"{separator}\n{row[0]}".encode())
                separator, count = ",", count + 1
            write(b"]")
        write(b"}\n")
    return count
