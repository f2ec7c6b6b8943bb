"""The rows of bulk mutations: each is read by itself, and has values or errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from app.auth import Access
from app.clients.country_codes import find_codes, names_unlisted_code, read_with_code
from app.clients.keys import ClientKey, check_key
from app.clients.repository import ChangedRow
from app.clients.upserts import UpsertedRow, find_by_keys
from app.errors import DomainError, Invalid, Malformed, NotFound, Problem
from app.graphql.execution.context import read_id
from app.graphql.schema.mutations.records import RecordMutations
from app.graphql.schema.user_errors import UserError, user_errors
from app.query.face import Face
from app.records.bodies import Values
from app.records.turns import in_turns

RowT = TypeVar("RowT")
Body = Mapping[str, Any]

KEY_DOCUMENTS: Mapping[str, str] = {"Client": "custom", "Customer": "metadata"}
"""The document that a key is a member of, by the type of the record."""


@dataclass(frozen=True, slots=True)
class Rows(Generic[RowT]):
    """The rows without errors, and the errors of the others, by index."""

    valid: dict[int, RowT] = field(default_factory=dict)
    errors: dict[int, list[UserError]] = field(default_factory=dict)

    def reject(self, index: int, error: DomainError) -> None:
        self.valid.pop(index, None)
        self.errors[index] = row_errors(index, error)


def row_errors(index: int, error: DomainError | None) -> list[UserError]:
    """The errors of a row. Their paths begin with the row."""
    under = ["input", str(index)]
    errors = [] if error is None else user_errors(error, under)
    for each in errors:
        if each.field is None or each.field[:2] != under:
            each.field = [*under, *(each.field or ())]
    return errors


async def read_new_rows(mutations: RecordMutations, bodies: Sequence[Body]) -> Rows[Values]:
    rows: Rows[Values] = Rows()
    async for index, body in in_turns(enumerate(bodies)):
        try:
            rows.valid[index] = mutations.read(body, "create")
        except (Invalid, Malformed) as error:
            rows.reject(index, error)
    return rows


async def read_changed_rows(access: Access, mutations: RecordMutations, bodies: Sequence[Body]) -> Rows[ChangedRow]:
    """The changes. A client that an earlier row names is an error."""
    rows: Rows[ChangedRow] = Rows()
    unlisted: dict[int, tuple[str, Invalid]] = {}
    seen: dict[str, int] = {}
    async for index, body in in_turns(enumerate(bodies)):
        bare = read_id(mutations.face.type_name, body["id"])
        expected, fields = body.get("expectedVersion"), _fields_of(body)
        try:
            _check_first(bare, index, seen)
            rows.valid[index] = ChangedRow(index, bare, mutations.read(fields, "update"), expected)
        except Invalid as error:
            if names_unlisted_code(error):
                unlisted[index] = (bare, error)
            else:
                rows.reject(index, error)
        except (Malformed, NotFound) as error:
            rows.reject(index, error)
    codes = await find_codes(access, [bare for bare, _ in unlisted.values()], mutations.face) if unlisted else {}
    for index, (bare, invalid) in unlisted.items():
        fields = _fields_of(bodies[index])
        values = read_with_code(mutations.face, fields, mutations.rules, "update", codes.get(bare))
        if values is None:
            rows.reject(index, invalid)
        else:
            rows.valid[index] = ChangedRow(index, bare, values, bodies[index].get("expectedVersion"))
    return rows


def _fields_of(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in OWN}


OWN = frozenset({"id", "key", "expectedVersion"})
"""The members of a row that are no fields of the record."""


def _check_first(identity: Any, index: int, seen: dict[Any, int]) -> None:
    """Raises NotFound for a text that is not an id, and Invalid for a record of an earlier row."""
    if not identity:
        raise NotFound("There is no such record", "id")
    first = seen.setdefault(identity, index)
    if first != index:
        name = "key" if isinstance(identity, ClientKey) else "id"
        raise Invalid([Problem(name, "repetition", f"is that of item {first + 1}, too. Name each record once")])


async def read_upserted_rows(
    access: Access, mutations: RecordMutations, organization_id: str, bodies: Sequence[Body]
) -> Rows[UpsertedRow]:
    """The records by keys of the caller's own. A key that an earlier row names is an error.

    A country code that is not listed is accepted where the record already has it.
    """
    rows: Rows[UpsertedRow] = Rows()
    unlisted: dict[int, tuple[ClientKey, Invalid]] = {}
    seen: dict[Any, int] = {}
    async for index, body in in_turns(enumerate(bodies)):
        try:
            key = read_key(mutations.face, body["key"])
            _check_first(key, index, seen)
        except (Invalid, Malformed) as error:
            rows.reject(index, error)
            continue
        try:
            rows.valid[index] = read_upsert(mutations, key, _fields_of(body), body.get("expectedVersion"))
        except Invalid as error:
            if names_unlisted_code(error):
                unlisted[index] = (key, error)
            else:
                rows.reject(index, error)
        except Malformed as error:
            rows.reject(index, error)
    if unlisted:
        await _accept_stored_codes(access, mutations, organization_id, rows, (bodies, unlisted))
    return rows


def read_key(face: Face, body: Body) -> ClientKey:
    """The key of a record. Raises Invalid."""
    return check_key(KEY_DOCUMENTS[face.type_name], body["name"], body["value"])


def read_upsert(mutations: RecordMutations, key: ClientKey, fields: Body, expected: int | None) -> UpsertedRow:
    """The row of an upsert. Raises Invalid and Malformed for fields that are wrong in a change, too."""
    return _make_row(mutations, key, mutations.read(fields, "update"), fields, expected)


def _make_row(
    mutations: RecordMutations, key: ClientKey, changes: Values, fields: Body, expected: int | None
) -> UpsertedRow:
    changes = key.add_to(changes) if key.document in changes else changes
    new: Values | DomainError
    try:
        new = key.add_to(mutations.read(fields, "create"))
    except (Invalid, Malformed) as error:
        new = error
    return UpsertedRow(key, changes, new, expected)


async def _accept_stored_codes(
    access: Access,
    mutations: RecordMutations,
    organization_id: str,
    rows: Rows[UpsertedRow],
    rejected: tuple[Sequence[Body], Mapping[int, tuple[ClientKey, Invalid]]],
) -> None:
    bodies, unlisted = rejected
    found = await find_by_keys(access, organization_id, {index: key for index, (key, _) in unlisted.items()})
    codes = await find_codes(access, list(found.values()), mutations.face)
    for index, (key, error) in unlisted.items():
        fields = _fields_of(bodies[index])
        stored = codes.get(found.get(index, ""))
        changes = read_with_code(mutations.face, fields, mutations.rules, "update", stored)
        if changes is None:
            rows.reject(index, error)
        else:
            rows.valid[index] = _make_row(mutations, key, changes, fields, bodies[index].get("expectedVersion"))
