"""Idempotency keys: the first answer to a request is kept, and given again when the same request comes again."""

import asyncio
import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import LargeBinary, Text, and_, bindparam, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.errors import Conflict, DomainError, Malformed, NotFound
from app.storage.connection import Connection
from app.storage.database import Database
from app.storage.tables import idempotency_keys

log = logging.getLogger("clientele")

LONGEST_KEY = 255
EVERY_HOUR = 3600.0
KEPT = text("interval '48 hours'")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A caller's key with what it was used for: `owner` is the account, `request_hash` the request's fingerprint."""

    owner: str
    text: str
    request_hash: bytes

    @classmethod
    def of(cls, owner: str, text: str, *request: str | bytes) -> "RequestKey":
        """`request` is what makes two requests the same: the method, the path and the body."""
        if not 1 <= len(text) <= LONGEST_KEY or not text.isprintable():
            raise Malformed(f"An idempotency key has 1 to {LONGEST_KEY} printable characters", "Idempotency-Key")
        digest = hashlib.sha256()
        for part in request:
            data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
            digest.update(len(data).to_bytes(8, "big") + data)
        return cls(owner, text, digest.digest())


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """What was answered: the status as the door's protocol has it, and the body."""

    status: int
    body: bytes


async def claim(connection: Connection, key: RequestKey) -> StoredResponse | None:
    """The answer that the key already has, or None: then the key is claimed until this transaction ends.

    A second request with the key waits here for the first. Raises Conflict when the key was used for another request,
    and NotFound when the answer was about somebody who has been erased since.
    """
    values = {"owner": key.owner, "id": key.text, "request_hash": key.request_hash}
    claimed = insert(idempotency_keys).values(values).on_conflict_do_nothing().returning(idempotency_keys.c.id)
    if (await connection.execute(claimed)).first() is not None:
        return None
    kept = select(idempotency_keys.c.request_hash, idempotency_keys.c.status, idempotency_keys.c.body)
    row = (await connection.execute(kept.where(_is(key)))).one()
    if row[1] is None:
        raise NotFound("There is no such record", "Idempotency-Key")
    if row[0] != key.request_hash:
        raise Conflict("The idempotency key was used for another request")
    return StoredResponse(row[1], row[2])


async def remember(
    connection: Connection, key: RequestKey, answer: StoredResponse, organization_id: str, client_id: str | None = None
) -> None:
    """Keeps the answer for the claimed key, in the transaction that does the work.

    `client_id` is the client that the answer shows; None when it shows several, each with its id, or none.
    """
    values = {
        "status": answer.status,
        "body": answer.body,
        "organization_id": organization_id,
        "client_id": client_id,
    }
    await connection.execute(update(idempotency_keys).values(values).where(_is(key)))


_shows = or_(
    idempotency_keys.c.client_id == bindparam("client", type_=Text()),
    and_(
        idempotency_keys.c.client_id.is_(None),
        func.position(bindparam("needle", type_=LargeBinary()).op("IN")(idempotency_keys.c.body)) > 0,
    ),
)
_FORGET = (
    update(idempotency_keys)
    .where(idempotency_keys.c.organization_id == bindparam("organization", type_=Text()), _shows)
    .values(status=None, body=None, request_hash=b"", client_id=bindparam("client", type_=Text()))
)


async def forget_client(connection: Connection, organization_id: str, client_id: str) -> None:
    """Empties the answers that show a client; their keys stay, and are answered with NotFound."""
    parameters = {"organization": organization_id, "client": client_id, "needle": client_id.encode()}
    await connection.execute(_FORGET, parameters)


async def forget_regularly(database: Database, stopping: asyncio.Event) -> None:
    """Drops old keys each hour until the event is set; a round without a database is left out."""
    while not stopping.is_set():
        try:
            async with database.statement() as connection:
                await forget_old(connection)
        except DomainError as refusal:
            log.warning("Old idempotency keys are still there: %s", refusal)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY_HOUR):
                await stopping.wait()


async def forget_old(connection: Connection) -> None:
    """Drops keys after two days; at least one is promised."""
    await connection.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at < func.now() - KEPT))


def _is(key: RequestKey):  # type: ignore[no-untyped-def]
    return and_(idempotency_keys.c.owner == key.owner, idempotency_keys.c.id == key.text)
