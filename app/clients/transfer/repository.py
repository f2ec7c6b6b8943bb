"""TransferRepository: the statements of import and export."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    collate,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.clients.duplicates import address_key
from app.clients.faces import TRANSFER, V1
from app.clients.repository import ChangedRow, ClientRepository
from app.clients.writes import add_statement
from app.errors import DomainError
from app.query.face import Field, Kind
from app.query.model import EVERYTHING, Predicate, Scalar
from app.query.sql.conditions import CODE, WORDS, parametrize
from app.query.sql.index_keys import index_key
from app.query.sql.page_rows import meets, scope
from app.query.sql.pages import condition_parameters
from app.query.sql.render import Selection, render_field, render_object
from app.records.statements import of_organizations
from app.storage.connection import Connection
from app.storage.tables import account_organizations, client_keys, clients, organizations

ACTOR, ACTION = "operator", "imported"

_organization = bindparam("organization", type_=Text())
_accounts = select(account_organizations.c.account_id).where(account_organizations.c.organization_id == _organization)
_shared = select(account_organizations.c.organization_id).where(account_organizations.c.account_id.in_(_accounts))

_locked = union(select(_organization.label("id")), _accounts).subquery("locked")
LOCK_IMPORTS = select(func.pg_advisory_xact_lock(func.hashtextextended(column("id"), 0))).select_from(
    select(_locked.c.id).order_by(_locked.c.id).subquery("ordered")
)
"""Waits for the imports into `organization` and into the others of its accounts: two could take one id at once."""

_own = organizations.alias("own")
ACCOUNT_ORGANIZATIONS = select(organizations.c.id).where(
    or_(organizations.c.id == _organization, organizations.c.id.in_(_shared)),
    select(_own.c.id).where(_own.c.id == _organization, _own.c.purge_at.is_(None)).exists(),
)
"""`organization` and the others of its accounts; no row if it does not exist or is deleted."""

_is_imported = literal_column("clients.xmin = pg_current_xact_id()::xid", Boolean())
"""True for a record that the import itself has written."""

EXISTING_RECORDS = (
    select(
        clients.c.id,
        clients.c.name,
        clients.c.deleted_at.is_not(None),
        clients.c.organization_id,
        organizations.c.name,
        _is_imported,
    )
    .join(organizations, organizations.c.id == clients.c.organization_id)
    .where(clients.c.id == func.any(bindparam("ids", type_=ARRAY(Text))), of_organizations(clients, deleted=None))
)
"""The records of `organizations`, live and deleted, that have one of `ids`."""

_wanted = (
    func.jsonb_to_recordset(bindparam("wanted", type_=JSONB()))
    .table_valued(column("position", Integer), column("value", Text))
    .render_derived(name="wanted", with_types=True)
)


MOST_EQUAL = 5


def _find_equal(key: ColumnElement[Any], same: ColumnElement[bool]) -> Select[Any]:
    """(position, key, ids) of those `wanted` values that are keys: at most MOST_EQUAL live records of `organization`."""
    own = clients.c.organization_id == _organization
    equal = select(clients.c.id).where(own, clients.c.deleted_at.is_(None), same).correlate(_wanted)
    ids = func.array(equal.limit(literal_column(str(MOST_EQUAL))).scalar_subquery())
    return select(_wanted.c.position, key, ids).where(key != literal_column("''"))


def _same_key(text: ColumnElement[Any], key: ColumnElement[Any]) -> ColumnElement[bool]:
    """True for an equal text, found by the index over its beginning."""
    return and_(index_key(text) == index_key(key), text == key)


_tax_key = collate(func.tax_key(_wanted.c.value, type_=Text()), WORDS)
_folded = collate(func.fold(_wanted.c.value, type_=Text()), CODE)
_address = address_key(_wanted.c.value)
EQUAL_RECORDS: Mapping[str, Select[Any]] = {
    "tax_number": _find_equal(_tax_key, _same_key(func.tax_key(clients.c.tax_number, type_=Text()), _tax_key)),
    "email": _find_equal(
        _address, and_(_same_key(clients.c.email_folded, _folded), address_key(clients.c.email) == _address)
    ),
}
"""The statements that find the records with the same value of a column, as the search for duplicates compares it."""

ADD = add_statement((), ACTION).with_only_columns(func.count(), maintain_column_froms=True)
"""Adds `rows`, and gives only their number: a file has a million."""

CUSTOM = select(clients.c.id, clients.c.custom).where(
    clients.c.organization_id == _organization, clients.c.id == func.any(bindparam("ids", type_=ARRAY(Text)))
)
KEYS = select(client_keys.c.name).where(client_keys.c.organization_id == _organization).limit(literal_column("1"))

USUAL: dict[str, ColumnElement[Any]] = {"metadata": literal({}, JSONB), "version": literal(1)}
"""The values of a new record, which an export omits."""


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """The records of an export, as a predicate over the fields of v1, and the fields of each.

    Without a `selection` a record has those of v1, and the others where they differ from a new record's.
    """

    selection: Selection = ()
    where: Predicate = EVERYTHING
    deleted_too: bool = True


def export_statement(query: ExportQuery) -> tuple[Select[Any], dict[str, Any]]:
    """(JSON of the shown fields, further members of that object or an empty text) of records of `organization`, by id.

    The parameters are those of the conditions.
    """
    values: list[Scalar] = []
    where = parametrize(query.where, values)
    shown = render_object(query.selection or tuple(V1.fields.items()), clients.c)
    hidden = literal("", Text()) if query.selection else func.concat_ws(",", *map(_member, HIDDEN))
    chosen = (scope(clients, query.deleted_too), meets(V1, where, (), clients.c))
    statement = select(shown, hidden).where(*chosen).order_by(clients.c.id)
    return statement, condition_parameters(values, ())


HIDDEN = [field for name, field in TRANSFER.fields.items() if name not in V1.fields]
"""The fields that v1 does not show."""


def _member(field: Field) -> ColumnElement[Any]:
    """A member of a JSON object; null where the record has the usual value."""
    value = render_field(field, clients.c)
    value = func.nullif(value, USUAL[field.column]) if field.column in USUAL else value
    text = cast(value if field.kind is Kind.JSON else func.to_json(value), Text)
    return literal(f'"{field.name}":', Text()).op("||")(text)


@dataclass(frozen=True, slots=True)
class ExistingRecord:
    """A stored record that has the id of an imported one. `imported` is true if the import itself has written it."""

    id: str
    name: str
    deleted: bool
    organization_id: str
    organization_name: str
    imported: bool = False


class TransferRepository:
    """Over one connection in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def lock_imports(self, organization: str) -> None:
        """Keeps other imports out of the organization and the others of its accounts until the transaction ends."""
        await self.connection.execute(LOCK_IMPORTS, {"organization": organization})

    async def account_organizations(self, organization: str) -> list[str]:
        """The organization and the others of its accounts; empty if the organization does not exist."""
        return await self.connection.scalars(ACCOUNT_ORGANIZATIONS, {"organization": organization})

    async def existing_records(self, organizations: Sequence[str], ids: Sequence[str]) -> list[ExistingRecord]:
        """The records of some organizations, live and deleted, that have one of the ids."""
        parameters = {"organizations": list(organizations), "ids": list(ids)}
        return [ExistingRecord(*row) for row in await self.connection.execute(EXISTING_RECORDS, parameters)]

    async def add(self, rows: Sequence[str]) -> None:
        """Adds all of the rows. Each is a JSON object of the columns that are not null."""
        await self.connection.execute(ADD, {"rows": [orjson.Fragment(row) for row in rows], "actor": ACTOR})

    async def find_equal(
        self, organization: str, column_name: str, values: Mapping[int, str]
    ) -> dict[int, tuple[str, list[str]]]:
        """The form in which a value is compared, and the ids of live records with the same, by the positions of values."""
        wanted = [{"position": position, "value": value} for position, value in values.items()]
        parameters = {"organization": organization, "wanted": wanted}
        rows = await self.connection.execute(EQUAL_RECORDS[column_name], parameters)
        return {position: (key, ids) for position, key, ids in rows}

    async def custom_of(self, organization: str, ids: Sequence[str]) -> dict[str, Any]:
        """The `custom` of some records, by their ids."""
        rows = await self.connection.execute(CUSTOM, {"organization": organization, "ids": list(ids)})
        return {client_id: custom for client_id, custom in rows}  # noqa: C416

    async def has_keys(self, organization: str) -> bool:
        """True if members of documents identify the clients of the organization."""
        return bool(await self.connection.execute(KEYS, {"organization": organization}))

    async def change(self, organization: str, rows: Sequence[ChangedRow]) -> dict[int, DomainError]:
        """Changes clients, and gives the errors by position. After an error, nothing is changed."""
        try:
            async with self.connection.driver.transaction():
                repository = ClientRepository(self.connection)
                results = await repository.change_many((organization,), ACTOR, rows, ())
                errors = {at: result for at, result in results.items() if isinstance(result, DomainError)}
                if errors:
                    raise NotChanged(errors)
        except NotChanged as error:
            return error.errors
        return {}

    def export(self, organization: str, query: ExportQuery = ExportQuery()) -> AsyncIterator[tuple[str, str]]:
        """(JSON of the shown fields, members that v1 does not show) of each record, in the order of ids."""
        statement, parameters = export_statement(query)
        return self.connection.stream(statement, {"organization": organization, **parameters})


class NotChanged(Exception):
    """A change was rolled back, because of `errors` by position."""

    def __init__(self, errors: Mapping[int, DomainError]) -> None:
        super().__init__()
        self.errors = dict(errors)
