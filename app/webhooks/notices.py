"""Notices: messages to the accounts of an organization about a webhook that the service has disabled."""

from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import Text, bindparam, literal_column, select

from app.errors import Invalid
from app.mail.addresses import check_address
from app.mail.message import compose_notice, language_for
from app.mail.outbox import NO_CLIENT, put_message
from app.storage.connection import Connection
from app.storage.tables import account_organizations, accounts, organizations

MOST_RECIPIENTS = 10


class Recipient(NamedTuple):
    """An account of the organization, or the organization itself if no account can access it."""

    email: str | None
    locale: str
    organization_name: str


_organization = bindparam("organization", type_=Text())
_members = (
    select(accounts.c.email, accounts.c.locale, organizations.c.name)
    .select_from(
        account_organizations.join(accounts, accounts.c.id == account_organizations.c.account_id).join(
            organizations, organizations.c.id == account_organizations.c.organization_id
        )
    )
    .where(organizations.c.id == _organization, accounts.c.purge_at.is_(None))
    .order_by(accounts.c.created_at, accounts.c.id)
    .limit(literal_column(str(MOST_RECIPIENTS)))
)
_itself = select(organizations.c.email, organizations.c.locale, organizations.c.name).where(
    organizations.c.id == _organization
)


async def put_notices(connection: Connection, organization_id: str, url: str) -> int:
    """Puts a notice to each account of the organization into the outbox, in the caller's transaction. Gives their number."""
    owner = {"organization": organization_id}
    rows = await connection.execute(_members, owner) or await connection.execute(_itself, owner)
    number = 0
    for recipient in (Recipient(*row) for row in rows):
        try:
            address = check_address(recipient.email or "")
        except Invalid:
            continue
        message = compose_notice(
            organization_name=recipient.organization_name,
            host=urlsplit(url).hostname or "",
            recipient=address,
            language=language_for(recipient.locale),
        )
        await put_message(connection, organization_id, NO_CLIENT, message)
        number += 1
    return number
