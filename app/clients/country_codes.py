"""Country codes of stored clients: v1 takes any text, so a change in another API may name a code that is not listed."""

from collections.abc import Mapping
from typing import Any

from app.auth import Access
from app.clients.record import UNLISTED
from app.clients.repository import ClientRepository
from app.errors import Invalid
from app.query.face import Face
from app.records.bodies import Mode, Rules, Values, read_body

COLUMN = "country_alpha2_code"


async def read_change(
    access: Access, client_id: str, face: Face, body: Mapping[str, Any], rules: Rules, mode: Mode
) -> Values:
    """As `read_body`, for a change of one record: a country code that the record already has is accepted unchanged."""
    try:
        return read_body(face, body, rules, mode)
    except Invalid as invalid:
        if not any(problem.code == UNLISTED for problem in invalid.problems):
            raise
        name = face.columns[COLUMN].name
        if body[name] != await _find_code(access, client_id):
            raise
    rest = {key: value for key, value in body.items() if key != name}
    return {**read_body(face, rest, rules, mode), COLUMN: body[name]}


async def _find_code(access: Access, client_id: str) -> str | None:
    async with access.database.read() as connection:
        taxpayer = await ClientRepository(connection).taxpayer(access.target(client_id))
    return None if taxpayer is None else taxpayer.country_code
