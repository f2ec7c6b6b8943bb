"""Erasure by the operator: finds a client by the id that an API shows, and erases it."""

from dataclasses import dataclass

from app.auth import Target
from app.clients.erasure import erase_record
from app.clients.faces import CUSTOMER_ID, V1
from app.errors import Malformed, NotFound
from app.ids import is_id
from app.mail.files import MailFiles
from app.privacy.subject_statements import RECORDS
from app.storage.database import Database

ACTOR = "operator"
SHOWN = (("id", V1.fields["id"]),)


@dataclass(frozen=True, slots=True)
class StoredClient:
    """A client of any organization, live or deleted."""

    organization_id: str
    id: str
    name: str
    organization: str


async def find_client(database: Database, public_id: str, organization_id: str | None) -> StoredClient:
    """The client with an id, as v1 or as the Customers API shows it (`cust_…`).

    Raises Malformed for a text that is not an id, and for an id that clients of several organizations have when no
    organization is named. Raises NotFound.
    """
    client_id = public_id.removeprefix(CUSTOMER_ID.prefix)
    if not is_id(client_id):
        raise Malformed(
            f"{public_id} is not an id. Pass 24 lower-case hex digits, with or without {CUSTOMER_ID.prefix}."
        )
    async with database.read() as connection:
        rows = await connection.execute(RECORDS, {"client": client_id, "organization": organization_id})
    if not rows:
        raise NotFound(f"There is no client with the id {public_id}{_place(organization_id)}")
    if len(rows) > 1:
        owners = ", ".join(row[0] for row in rows)
        raise Malformed(f"Clients of several organizations have this id. Add --organization with one of {owners}.")
    return StoredClient(*rows[0])


def _place(organization_id: str | None) -> str:
    return "" if organization_id is None else f" in the organization {organization_id}"


async def erase_stored(database: Database, client: StoredClient, files: MailFiles) -> None:
    """Erases a client for the operator. Raises NotFound if it was erased meanwhile."""
    await erase_record(database, Target((client.organization_id,), client.id, ACTOR), SHOWN, files)
