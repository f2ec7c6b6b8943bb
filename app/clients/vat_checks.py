"""Checks of the tax number of a client. No connection is in use during the check, which asks another service.

The result is stored only if the client still has the number and the country that were checked.
"""

from app.auth import Access, ExpectedVersion, Target
from app.clients.repository import ClientRepository, Taxpayer
from app.errors import Conflict, Invalid, NotFound, Problem, Stale
from app.query.invisible import trim
from app.vat.check import Check, check_number
from app.vat.vies import Vies


async def check_tax_number(
    access: Access, vies: Vies, client_id: str, *, expected: ExpectedVersion = None
) -> tuple[Check, int]:
    """Checks the tax number of a client and stores the result. Gives the result and the new version of the record.

    Raises NotFound; Invalid for a client without a tax number; Stale for a version that is not expected; Conflict when
    the number or the country changed during the check.
    """
    target = access.writable_target(client_id, expected)
    access.full_organizations()
    taxpayer = await _find(access, target)
    if expected is not None and taxpayer.version not in ([expected] if isinstance(expected, int) else expected):
        raise Stale("The record has changed since that version")
    if not trim(taxpayer.tax_number or ""):
        raise Invalid([Problem("tax_number", "presence", "The customer has no tax number", taxpayer.tax_number)])
    check = await check_number(vies, taxpayer.tax_number or "", taxpayer.country_code, taxpayer.country)
    async with access.database.statement() as connection:
        try:
            record = await ClientRepository(connection).keep_check(target, taxpayer, check, ())
        except Stale as error:
            if expected is not None:
                raise
            raise Conflict("The tax number was changed while it was being checked; ask again") from error
    return check, record.version


async def _find(access: Access, target: Target) -> Taxpayer:
    async with access.database.read() as connection:
        taxpayer = await ClientRepository(connection).taxpayer(target)
    if taxpayer is None:
        raise NotFound("There is no such record")
    return taxpayer
