"""Erasure: a record is deleted for good, and the person with it from whatever else is kept."""

from app.auth import Access, ExpectedVersion
from app.clients.repository import ClientRepository
from app.idempotency import forget_client
from app.mail.outbox import erase_messages
from app.query.sql.render import Selection
from app.records.repository import RenderedRecord


async def erase_client(
    access: Access, client_id: str, selection: Selection, *, expected: ExpectedVersion = None
) -> RenderedRecord:
    """Erases a live or a deleted client; the answer is what it was.

    The record goes first and under a lock: whatever wrote about the client before has then been committed, and
    whatever comes later finds none.
    """
    target = access.writable_target(client_id, expected)
    async with access.database.write() as connection:
        repository = ClientRepository(connection)
        found = await repository.erase(target, selection)
        await repository.forget_images(found.organization_id, client_id)
        await forget_client(connection, found.organization_id, client_id)
        await erase_messages(connection, found.organization_id, client_id)
    return found
