"""Upserts: clients that are changed if they exist, and created otherwise, by keys of the caller's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.auth import Access
from app.clients.batches import Batch, NotPrepared, RowResult, Writing, add_rows, change_rows
from app.clients.keys import ClientKey, find_clients, is_registered, register_key
from app.clients.repository import ChangedRow
from app.errors import Contended, DomainError, Invalid, KeyTaken, NotFound, Problem, Stale
from app.ids import new_id
from app.records.bodies import Values
from app.storage.connection import Connection


@dataclass(frozen=True, slots=True)
class UpsertedRow:
    """A client by its key: the values of a change, and those of a new client, or the error if they are not enough for one."""

    key: ClientKey
    changes: Values
    new: Values | DomainError
    expected: int | None = None


@dataclass
class UpsertBatch(Batch):
    """Clients by keys of the caller's own, by position. Each key occurs once."""

    organization_id: str
    rows: Mapping[int, UpsertedRow]
    new_ids: dict[int, str] = field(default_factory=dict)
    existing: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.new_ids = {position: new_id() for position in self.rows}

    @property
    def positions(self) -> Sequence[int]:
        return list(self.rows)

    def identifies_by(self, taken: KeyTaken) -> bool:
        position = next((position for position, row in self.written().items() if row["id"] == taken.client_id), None)
        key = None if position is None else self.rows[position].key
        return key is not None and (key.document, key.name) == (taken.document, taken.name)

    async def prepare(self, connection: Connection) -> None:
        for keys in self._keys_by_member().values():
            await register_key(connection, self.organization_id, next(iter(keys.values())))

    async def write(self, connection: Connection, writing: Writing) -> dict[int, RowResult]:
        self.existing = await self._find_existing(connection)
        errors = self._find_errors(writing.positions)
        valid = [position for position in writing.positions if position not in errors]
        new = {position: self._new_row(position) for position in valid if position not in self.existing}
        changed = [self._changed_row(position) for position in valid if position in self.existing]
        results = {position: RowResult(error=error) for position, error in errors.items()}
        results |= await add_rows(connection, writing, new)
        results |= await change_rows(connection, writing, self.organization_id, changed)
        if any(isinstance(result.error, NotFound) for result in results.values()):
            raise Contended("a client was deleted after it was found by its key")
        return results

    def _keys_by_member(self) -> Mapping[tuple[str, str], Mapping[int, ClientKey]]:
        return group_keys({position: row.key for position, row in self.rows.items()})

    async def _find_existing(self, connection: Connection) -> dict[int, str]:
        existing: dict[int, str] = {}
        for keys in self._keys_by_member().values():
            if not await is_registered(connection, self.organization_id, next(iter(keys.values()))):
                raise NotPrepared
            existing |= await find_clients(connection, self.organization_id, keys)
        return existing

    def _find_errors(self, positions: Sequence[int]) -> dict[int, DomainError]:
        """The rows that are not enough for a new client, expect a version of none, or name the client of an earlier row."""
        errors: dict[int, DomainError] = {}
        seen: dict[str, int] = {}
        for position in positions:
            row, client_id = self.rows[position], self.existing.get(position)
            if client_id is None:
                if isinstance(row.new, DomainError):
                    errors[position] = row.new
                elif row.expected is not None:
                    errors[position] = Stale("There is no client with this key, so it has no version")
            elif client_id in seen:
                message = f"identifies the same client as the row {seen[client_id]}"
                errors[position] = Invalid([Problem("key", "repetition", message)])
            else:
                seen[client_id] = position
        return errors

    def _new_row(self, position: int) -> Values:
        row = self.rows[position]
        values = {} if isinstance(row.new, DomainError) else row.new
        return {**values, "id": self.new_ids[position], "organization_id": self.organization_id}

    def _changed_row(self, position: int) -> ChangedRow:
        row = self.rows[position]
        return ChangedRow(position, self.existing[position], row.changes, row.expected)

    def written(self) -> Mapping[int, Values]:
        return {
            position: {**row.changes, "id": self.existing[position]}
            if position in self.existing
            else self._new_row(position)
            for position, row in self.rows.items()
        }


async def find_by_keys(access: Access, organization_id: str, keys: Mapping[int, ClientKey]) -> dict[int, str]:
    """The live clients that have the keys, by the positions of the keys."""
    access.require(organization_id)
    existing: dict[int, str] = {}
    async with access.database.read() as connection:
        for group in group_keys(keys).values():
            existing |= await find_clients(connection, organization_id, group)
    return existing


def group_keys(keys: Mapping[int, ClientKey]) -> Mapping[tuple[str, str], dict[int, ClientKey]]:
    """The keys by the member that they name."""
    by_member: dict[tuple[str, str], dict[int, ClientKey]] = {}
    for position, key in keys.items():
        by_member.setdefault((key.document, key.name), {})[position] = key
    return by_member
