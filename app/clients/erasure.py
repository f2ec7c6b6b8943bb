"""Erasure: a record is deleted for good, and the person with it from whatever else is kept."""

from app.auth import Principal
from app.clients.repository import ClientRepository, Expected, RenderedRecord
from app.errors import NotFound
from app.idempotency import forget_client
from app.ids import is_id
from app.mail.outbox import erase_messages
from app.query.sql.render import Selection
from app.storage.database import Database


async def erase_client(
    database: Database, principal: Principal, client_id: str, selection: Selection, *, expected: Expected = None
) -> RenderedRecord:
    """Erases a live or a deleted client; the answer is what it was.

    The record goes first and under a lock: whatever wrote about the client before has then been committed, and
    whatever comes later finds none.
    """
    principal.require_write()
    if not is_id(client_id):
        raise NotFound("There is no such record")
    async with database.write() as connection:
        repository = ClientRepository(connection)
        found = await repository.erase(principal.organizations, client_id, principal.actor, selection, expected)
        await repository.forget_images(found.organization_id, client_id)
        await forget_client(connection, found.organization_id, client_id)
        await erase_messages(connection, found.organization_id, client_id)
    return found
