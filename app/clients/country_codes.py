"""Country codes of stored clients: v1 takes any text, so a change in another API may name a code that is not listed."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.auth import Access
from app.clients.record import UNLISTED
from app.clients.service import get_clients
from app.errors import Invalid
from app.ids import is_id
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
        if not names_unlisted_code(invalid):
            raise
        codes = await find_codes(access, [client_id], face) if is_id(client_id) else {}
        values = read_with_code(face, body, rules, mode, codes.get(client_id))
        if values is None:
            raise
        return values


def names_unlisted_code(invalid: Invalid) -> bool:
    return any(problem.code == UNLISTED for problem in invalid.problems)


def read_with_code(face: Face, body: Mapping[str, Any], rules: Rules, mode: Mode, stored: str | None) -> Values | None:
    """As `read_body`, if the code of the body is the `stored` one of the record. None for another code."""
    name = face.columns[COLUMN].name
    if body[name] != stored:
        return None
    rest = {key: value for key, value in body.items() if key != name}
    return {**read_body(face, rest, rules, mode), COLUMN: stored}


async def find_codes(access: Access, ids: Sequence[str], face: Face) -> dict[str, str | None]:
    """The codes of live records by their ids."""
    rows = await get_clients(access, ids, (("code", face.columns[COLUMN]),), deleted_too=False)
    return {client_id: orjson.loads(json)["code"] for client_id, json in rows.items()}
