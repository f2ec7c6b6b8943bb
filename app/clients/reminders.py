"""Reminders: composed, put into the outbox in one transaction, and from then on the worker's."""

from collections.abc import Sequence

from app.auth import Access
from app.clients.repository import ClientRepository
from app.errors import Invalid, NotFound, Problem
from app.idempotency import RequestKey, StoredResponse, claim, remember
from app.mail.addresses import check_address
from app.mail.message import LANGUAGES, compose_reminder, language_for
from app.mail.outbox import put_message
from app.mail.repository import ClientKey, Delivery, count_messages, page_messages
from app.mail.worker import OutboxWorker


async def send_reminder(
    access: Access,
    outbox: OutboxWorker,
    client_id: str,
    *,
    recipient: str | None,
    language: str | None,
    key: RequestKey | None,
) -> None:
    """Makes sure that a reminder reaches the client: when this returns, it is safe in the outbox.

    `recipient` stands in for the client's own address; without a `language` it is the organization's. A `key` that
    comes again with the same request sends nothing, whatever has happened to the client since, unless it was erased.
    Raises NotFound, and Invalid for an address or a language.
    """
    target = access.writable_target(client_id)
    async with access.database.write() as connection:
        if key is not None and await claim(connection, key) is not None:
            return
        found = await ClientRepository(connection).addressee(target)
        if found is None:
            raise NotFound("There is no such record")
        message = compose_reminder(
            client_name=found.name,
            organization_name=found.organization_name,
            organization_email=found.organization_email,
            recipient=choose_address(recipient, found.email),
            language=choose_language(language, found.locale),
        )
        if key is not None:
            await remember(connection, key, StoredResponse(200, b""), found.organization_id, client_id)
        await put_message(connection, found.organization_id, client_id, message)
    outbox.wake()


async def list_reminders(
    access: Access, clients: Sequence[ClientKey], most: int, after: str | None
) -> dict[ClientKey, list[Delivery]]:
    """At most `most` reminders of each client within reach, the newest first, those before the reminder `after`."""
    async with access.database.read() as connection:
        return await page_messages(connection, _accessible(access, clients), most, after)


async def count_reminders(access: Access, clients: Sequence[ClientKey]) -> dict[ClientKey, int]:
    """How many reminders each client within reach has; none where it is not named."""
    async with access.database.read() as connection:
        return await count_messages(connection, _accessible(access, clients))


def _accessible(access: Access, clients: Sequence[ClientKey]) -> list[ClientKey]:
    organizations = access.principal.organizations
    return [(organization, client) for organization, client in clients if organization in organizations]


def choose_address(given: str | None, own: str | None) -> str:
    if not (given or own):
        raise Invalid([Problem("email", "presence", "the client has no e-mail address, and none was given", given)])
    return check_address(given or own or "")


def choose_language(given: str | None, locale: str) -> str:
    if given and given not in LANGUAGES:
        raise Invalid([Problem("l", "inclusion", f"is not one of {', '.join(LANGUAGES)}", given)])
    return given or language_for(locale)
