"""Checks of a client's tax number: made outside of any transaction, and kept only for the number that was checked."""

from app.auth import Principal
from app.clients.repository import ClientRepository, Expected, Taxpayer
from app.errors import Conflict, Invalid, NotFound, Problem, Stale
from app.ids import is_id
from app.storage.database import Database
from app.vat.check import Check, check_number
from app.vat.vies import Vies


async def check_tax_number(
    database: Database, vies: Vies, principal: Principal, client_id: str, *, expected: Expected = None
) -> tuple[Check, int]:
    """Checks the client's tax number and keeps the answer; gives it with the record's new version.

    Raises NotFound; Invalid for a client without a tax number; Stale for another version than `expected`; Conflict
    when the number or the country changed during the check.
    """
    principal.require_write()
    checked = await _find(database, principal, client_id)
    if expected is not None and checked.version not in ([expected] if isinstance(expected, int) else expected):
        raise Stale("The record has changed since that version")
    if not (checked.tax_number or "").strip():
        raise Invalid([Problem("tax_number", "presence", "The customer has no tax number", checked.tax_number)])
    check = await check_number(vies, checked.tax_number or "", checked.country_code, checked.country)
    async with database.statement() as connection:
        repository, scope = ClientRepository(connection), principal.organizations
        try:
            kept = await repository.keep_check(scope, client_id, checked, check, principal.actor, (), expected)
        except Stale as error:
            if expected is not None:
                raise
            raise Conflict("The tax number was changed while it was being checked; ask again") from error
    return check, kept.version


async def _find(database: Database, principal: Principal, client_id: str) -> Taxpayer:
    found = None
    if is_id(client_id):
        async with database.read() as connection:
            found = await ClientRepository(connection).taxpayer(principal.organizations, client_id)
    if found is None:
        raise NotFound("There is no such record")
    return found
