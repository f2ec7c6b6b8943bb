"""Reminders: each is composed and put into the outbox in one transaction. The outbox worker delivers it."""

from collections.abc import Sequence

from app.auth import Access, Target
from app.clients.repository import Addressee, ClientRepository
from app.errors import Invalid, NotFound, NotVerified, Problem, TooMany
from app.idempotency import RequestKey, StoredResponse, claim, remember
from app.mail.addresses import check_address
from app.mail.message import LANGUAGES, compose_reminder, find_language, language_for
from app.mail.outbox import put_message
from app.mail.quotas import check_reminders
from app.mail.rejections import RejectedClient, Rejections
from app.mail.repository import (
    ClientKey,
    RenderedMessage,
    count_messages,
    get_messages,
    look_outside,
    page_messages,
)
from app.mail.worker import OutboxWorker
from app.query.invisible import trim
from app.query.key_page import NOTHING_OUTSIDE, KeyPage, KeyRows, cut_page
from app.query.sql.render import Selection
from app.storage.connection import Connection
from app.storage.retries import retried

NOT_VERIFIED = (
    "The organization cannot send reminders, because none of its accounts is verified. "
    "Ask the operator of this service to verify your account."
)


@retried
async def send_reminder(
    access: Access,
    outbox: OutboxWorker,
    client_id: str,
    *,
    recipient: str | None,
    language: str | None,
    key: RequestKey | None,
) -> str:
    """Stores a reminder to a client in the outbox, and gives its id. It is safe there when this returns.

    `recipient` replaces the address of the client. The default `language` is that of the organization. A request that
    comes again with its `key` sends nothing, also when the client was changed or deleted since; erasing a client forgets
    the key. Raises NotFound, NotVerified, TooMany, and Invalid for an address or a language.
    """
    target = access.writable_target(client_id)
    if key is None:
        reject_early(outbox.rejections, target, recipient, language)
    async with access.database.write() as connection:
        stored = None if key is None else await claim(connection, key)
        if stored is not None:
            return stored.body.decode()
        addressee = await ClientRepository(connection).addressee(target)
        if addressee is None:
            raise NotFound("There is no such record")
        if not addressee.verified:
            raise NotVerified(NOT_VERIFIED)
        address, tag = choose_address(recipient, addressee.email), choose_language(language, addressee.locale)
        await admit_reminder(connection, outbox, client_id, addressee, address)
        message = compose_reminder(
            client_name=addressee.name,
            organization_name=addressee.organization_name,
            organization_email=addressee.organization_email,
            recipient=address,
            language=tag,
        )
        message_id = await put_message(connection, addressee.organization_id, client_id, message)
        if key is not None:
            response = StoredResponse(200, message_id.encode())
            await remember(connection, key, response, addressee.organization_id, client_id)
    outbox.wake()
    return message_id


def reject_early(rejections: Rejections, target: Target, recipient: str | None, language: str | None) -> None:
    """Raises TooMany, or Invalid, without a statement if the client's organization is known to have used up its limit."""
    known = rejections.find_client(target.id)
    if known is not None and known.organization_id in target.organizations:
        choose_language(language, known.locale)
        rejections.check(known.organization_id, choose_address(recipient, known.email))


async def admit_reminder(
    connection: Connection, outbox: OutboxWorker, client_id: str, addressee: Addressee, address: str
) -> None:
    """Raises TooMany over a limit, and remembers it. Call it in the transaction that stores the reminder."""
    organization_id = addressee.organization_id
    outbox.rejections.check(organization_id, address)
    try:
        await check_reminders(connection, outbox.limits, organization_id, address)
    except TooMany as error:
        rejected = RejectedClient(organization_id, addressee.email, addressee.locale)
        outbox.rejections.note(client_id, rejected, address, error)
        raise


async def list_reminders(
    access: Access, clients: Sequence[ClientKey], page: KeyPage[str], selection: Selection, *, bounds: bool
) -> dict[ClientKey, KeyRows[RenderedMessage]]:
    """A page of the reminders of each client that the caller can access, newest first, rendered.

    With `bounds` it looks for reminders outside of the page.
    """
    accessible = _accessible(access, clients)
    async with access.database.read() as connection:
        rows = await page_messages(connection, accessible, page, selection)
        outside = await look_outside(connection, accessible, page) if bounds else {}
    return {key: cut_page(page, rows.get(key, []), outside.get(key, NOTHING_OUTSIDE)) for key in accessible}


async def find_reminders(access: Access, ids: Sequence[str], selection: Selection) -> dict[str, str]:
    """The reminders with some ids that the caller can access, rendered."""
    async with access.database.read() as connection:
        return await get_messages(connection, access.principal.organizations, ids, selection)


async def count_reminders(access: Access, clients: Sequence[ClientKey]) -> dict[ClientKey, int]:
    """The number of reminders of each client that the caller can access. A client without reminders is left out."""
    async with access.database.read() as connection:
        return await count_messages(connection, _accessible(access, clients))


def _accessible(access: Access, clients: Sequence[ClientKey]) -> list[ClientKey]:
    organizations = access.principal.organizations
    return [(organization, client) for organization, client in clients if organization in organizations]


def choose_address(recipient: str | None, own: str | None) -> str:
    """The normalised `recipient`, or else the client's own address, without spaces around it. Raises Invalid."""
    address = recipient or trim(own or "")
    if not address:
        message, rule = "the client has no e-mail address, and none was given", "is needed, because the client has none"
        raise Invalid([Problem("email", "presence", message, recipient, predicate=rule)])
    return check_address(trim(address))


def choose_language(language: str | None, locale: str) -> str:
    """The language of the tag `language`, or else of the organization's locale. Raises Invalid for an unknown language."""
    if not language:
        return language_for(locale)
    found = find_language(language)
    if found is None:
        message = f"is not one of {', '.join(LANGUAGES)}"
        raise Invalid([Problem("l", "inclusion", message, language, allowed=LANGUAGES)])
    return found
