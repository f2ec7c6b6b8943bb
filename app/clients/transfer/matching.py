"""Matching: the clients that the records of a file stand for, by id, tax number, e-mail address or a key of the caller's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from app.clients.faces import TRANSFER
from app.clients.keys import ClientKey, check_key, find_clients, is_registered, register_key
from app.clients.transfer.columns import DOCUMENTS, Target, find_target
from app.clients.transfer.repository import EQUAL_RECORDS, TransferRepository
from app.errors import Malformed
from app.records.bodies import Values
from app.storage.connection import Connection

OnDuplicate = Literal["fail", "skip", "update"]
ID = Target("id")


@dataclass(frozen=True, slots=True)
class Match:
    """The value by which a record is matched, as it is compared, and the live clients that have it."""

    key: str
    ids: Sequence[str]


def read_match(name: str) -> Target:
    """The target of `--match`. Raises Malformed for a field that does not identify clients."""
    target = find_target(name)
    if target is not None and (target.member or target == ID or TRANSFER.fields[target.field].column in EQUAL_RECORDS):
        if target.member:
            check_key(target.field, target.member, "value")
        return target
    raise Malformed(f"Clients are matched by id, taxNumber, email, custom.KEY or metadata.KEY; got {name!r:.60}.")


def is_own_key(target: Target) -> bool:
    return target.field in DOCUMENTS


async def prepare_key(connection: Connection, organization: str, target: Target) -> None:
    """Makes a member of a document a key, in the caller's transaction. Does nothing if it is one."""
    key = ClientKey(target.field, target.member, "")
    if not await is_registered(connection, organization, key):
        await register_key(connection, organization, key)


async def find_matches(
    repository: TransferRepository, organization: str, target: Target, rows: Sequence[Values]
) -> dict[int, Match]:
    """The matches by the positions of rows. A row without a value has none."""
    values = {position: value for position, row in enumerate(rows) if (value := read_value(row, target))}
    if not values:
        return {}
    if target == ID:
        existing = await repository.existing_records([organization], list(values.values()))
        known = {record.id for record in existing}
        return {position: Match(value, [value] if value in known else []) for position, value in values.items()}
    if is_own_key(target):
        keys = {position: ClientKey(target.field, target.member, value) for position, value in values.items()}
        ids = await find_clients(repository.connection, organization, keys)
        return {at: Match(value, [ids[at]] if at in ids else []) for at, value in values.items()}
    equal = await repository.find_equal(organization, TRANSFER.fields[target.field].column, values)
    return {position: Match(*match) for position, match in equal.items()}


def read_value(row: Values, target: Target) -> str | None:
    """The value by which a record is matched; None if it has none."""
    value: Any = row.get(TRANSFER.fields[target.field].column)
    if target.member:
        value = value.get(target.member) if isinstance(value, Mapping) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return orjson.dumps(value).decode()
    return value if isinstance(value, str) else None
