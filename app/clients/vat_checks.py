"""Checks of the tax number of a client. No connection is in use during the check, which asks another service.

The result is stored only if the client still has the number and the country that were checked.
"""

from dataclasses import dataclass

import orjson

from app.auth import Access, ExpectedVersion, Target
from app.clients.repository import ClientRepository, Taxpayer
from app.errors import Conflict, Invalid, NotFound, Problem, Stale
from app.idempotency import RequestKey, StoredResponse, claim, find_stored, remember
from app.query.invisible import trim
from app.query.sql.render import Selection
from app.records.once import require_accessible
from app.records.repository import RenderedRecord
from app.storage.connection import Connection
from app.storage.retries import retried
from app.vat.check import Check, check_number
from app.vat.vies import Vies


async def check_tax_number(
    access: Access,
    vies: Vies,
    client_id: str,
    selection: Selection = (),
    *,
    expected: ExpectedVersion = None,
    key: RequestKey | None = None,
) -> tuple[Check, RenderedRecord]:
    """Checks the tax number of a client and stores the result. Gives the result and the record.

    A request that comes again with its `key` gets those of the first time. Raises NotFound; Invalid for a client without a
    tax number; Stale for a version that is not expected; Conflict when the number or the country changed during the check.
    """
    target = access.writable_target(client_id, expected)
    access.full_organizations()
    async with access.database.read() as connection:
        repeated = None if key is None else await _find_repeated(connection, key)
        taxpayer = None if repeated else await ClientRepository(connection).taxpayer(target)
    if repeated is not None:
        require_accessible(access, repeated[1])
        return repeated
    if taxpayer is None:
        raise NotFound("There is no such record")
    if expected is not None and taxpayer.version not in ([expected] if isinstance(expected, int) else expected):
        raise Stale("The record has changed since that version")
    if not trim(taxpayer.tax_number or ""):
        raise Invalid([Problem("tax_number", "presence", "The customer has no tax number", taxpayer.tax_number)])
    check = await check_number(vies, taxpayer.tax_number or "", taxpayer.country_code, taxpayer.country)
    return await _keep(access, CheckedRecord(target, taxpayer, check, selection), key)


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """A record whose tax number was checked, and the selection that renders it."""

    target: Target
    taxpayer: Taxpayer
    check: Check
    selection: Selection

    async def store(self, connection: Connection) -> RenderedRecord:
        """Stores the result. Raises Stale, and Conflict if the number was changed during the check."""
        try:
            repository = ClientRepository(connection)
            return await repository.keep_check(self.target, self.taxpayer, self.check, self.selection)
        except Stale as error:
            if self.target.expected_version is not None:
                raise
            raise Conflict("The tax number was changed while it was being checked; ask again") from error


@retried
async def _keep(access: Access, checked: CheckedRecord, key: RequestKey | None) -> tuple[Check, RenderedRecord]:
    if key is None:
        async with access.database.statement() as connection:
            return checked.check, await checked.store(connection)
    async with access.database.write() as connection:
        stored = await claim(connection, key)
        if stored is not None:
            return _read_stored(stored)
        record = await checked.store(connection)
        body = orjson.dumps([checked.check, record.json, record.version, record.organization_id])
        await remember(connection, key, StoredResponse(200, body), record.organization_id, checked.target.id)
        return checked.check, record


async def _find_repeated(connection: Connection, key: RequestKey) -> tuple[Check, RenderedRecord] | None:
    """The result of the first request, which makes another check unnecessary."""
    stored = await find_stored(connection, key)
    return None if stored is None else _read_stored(stored)


def _read_stored(stored: StoredResponse) -> tuple[Check, RenderedRecord]:
    check, *record = orjson.loads(stored.body)
    return check, RenderedRecord(*record)
