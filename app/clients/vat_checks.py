"""Checks of a client's tax number: made outside of any transaction, and kept only for the number that was checked."""

from app.auth import Access, ExpectedVersion, Target
from app.clients.repository import ClientRepository, Taxpayer
from app.errors import Conflict, Invalid, NotFound, Problem, Stale
from app.vat.check import Check, check_number
from app.vat.vies import Vies


async def check_tax_number(
    access: Access, vies: Vies, client_id: str, *, expected: ExpectedVersion = None
) -> tuple[Check, int]:
    """Checks the client's tax number and keeps the answer; gives it with the record's new version.

    Raises NotFound; Invalid for a client without a tax number; Stale for another version than `expected`; Conflict
    when the number or the country changed during the check.
    """
    target = access.writable_target(client_id, expected)
    checked = await _find(access, target)
    if expected is not None and checked.version not in ([expected] if isinstance(expected, int) else expected):
        raise Stale("The record has changed since that version")
    if not (checked.tax_number or "").strip():
        raise Invalid([Problem("tax_number", "presence", "The customer has no tax number", checked.tax_number)])
    check = await check_number(vies, checked.tax_number or "", checked.country_code, checked.country)
    async with access.database.statement() as connection:
        try:
            kept = await ClientRepository(connection).keep_check(target, checked, check, ())
        except Stale as error:
            if expected is not None:
                raise
            raise Conflict("The tax number was changed while it was being checked; ask again") from error
    return check, kept.version


async def _find(access: Access, target: Target) -> Taxpayer:
    async with access.database.read() as connection:
        taxpayer = await ClientRepository(connection).taxpayer(target)
    if taxpayer is None:
        raise NotFound("There is no such record")
    return taxpayer
