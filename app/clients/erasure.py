"""The erasure of a client: the record and everything personal that is stored about it."""

from app.auth import Target
from app.clients.repository import ClientRepository
from app.deliveries.queue import erase_deliveries
from app.idempotency import RequestKey, forget_record
from app.mail.files import MailFiles
from app.mail.outbox import erase_messages
from app.query.sql.render import Selection
from app.records.once import find_record, remember_record, without_content
from app.records.repository import RenderedRecord
from app.storage.database import ConnectionSource
from app.storage.retries import retried


@retried
async def erase_record(
    source: ConnectionSource, target: Target, selection: Selection, files: MailFiles, key: RequestKey | None = None
) -> RenderedRecord:
    """Deletes a live or a deleted client for good, and everything personal that is stored about it.

    Messages of the organization to any address of the client are erased too, with their `files`. The answer is the record
    as it was. The record goes first and under a lock: other transactions that wrote about the client have then been
    committed, and later ones do not find it. A `key` that was used before gives a record without content.
    """
    async with source.write() as connection:
        repeated = None if key is None else await find_record(connection, key)
        if repeated is not None:
            return repeated
        repository = ClientRepository(connection)
        record, address = await repository.erase(target, selection)
        organization = record.organization_id
        addresses = await repository.former_addresses(organization, target.id)
        await repository.forget_images(organization, target.id)
        await forget_record(connection, organization, target.id)
        await erase_deliveries(connection, organization, target.id)
        addresses = [*addresses, address] if address else addresses
        messages = await erase_messages(connection, organization, target.id, addresses)
        if key is not None:
            await remember_record(connection, key, without_content(record))
    await files.remove(messages)
    return record
