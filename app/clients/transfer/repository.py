"""TransferRepository: the statements of import and export."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.clients.faces import TRANSFER, V1
from app.clients.repository import ClientRepository
from app.query.face import Field, Kind
from app.query.sql.render import Selection, render_field, render_row
from app.records.bodies import Values
from app.records.statements import of_organizations
from app.storage.connection import Connection
from app.storage.tables import account_organizations, clients, organizations

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

EXISTING_RECORDS = (
    select(
        clients.c.id,
        clients.c.name,
        clients.c.deleted_at.is_not(None),
        clients.c.organization_id,
        organizations.c.name,
    )
    .join(organizations, organizations.c.id == clients.c.organization_id)
    .where(clients.c.id == func.any(bindparam("ids", type_=ARRAY(Text))), of_organizations(clients, deleted=None))
)
"""The records of `organizations`, live and deleted, that have one of `ids`."""

USUAL: dict[str, ColumnElement[Any]] = {"metadata": literal({}, JSONB), "version": literal(1)}
"""The values of a new record, which an export omits."""


@cache
def export_statement() -> Select[Any]:
    """(JSON as v1 shows it, further members of that object or an empty text) of every record of `organization`, by id.

    The further members are those that v1 does not show, where they differ from a new record's.
    """
    shown: Selection = tuple(V1.fields.items())
    json, row = render_row(shown, clients)
    hidden = func.concat_ws(",", *(_member(field) for name, field in TRANSFER.fields.items() if name not in V1.fields))
    own = clients.c.organization_id == _organization
    return select(json, hidden).select_from(clients.join(row, true())).where(own).order_by(clients.c.id)


def _member(field: Field) -> ColumnElement[Any]:
    """A member of a JSON object; null where the record has the usual value."""
    value = render_field(field, clients.c)
    value = func.nullif(value, USUAL[field.column]) if field.column in USUAL else value
    text = cast(value if field.kind is Kind.JSON else func.to_json(value), Text)
    return literal(f'"{field.name}":', Text()).op("||")(text)


@dataclass(frozen=True, slots=True)
class ExistingRecord:
    """A stored record that has the id of an imported one."""

    id: str
    name: str
    deleted: bool
    organization_id: str
    organization_name: str


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

    async def add(self, rows: Sequence[Values]) -> None:
        """Adds all of the rows."""
        await ClientRepository(self.connection).add(rows, ACTOR, (), ACTION)

    def export(self, organization: str) -> AsyncIterator[tuple[str, str]]:
        """(JSON as v1 shows it, members that v1 does not show) of each record, deleted ones too, in the order of ids."""
        return self.connection.stream(export_statement(), {"organization": organization})
