"""The statements of import and export."""

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
from app.query.face import Field, Kind
from app.query.sql.render import Selection, render_field, render_row
from app.records.statements import of_organizations
from app.storage.tables import account_organizations, clients, organizations

_organization = bindparam("organization", type_=Text())
_accounts = select(account_organizations.c.account_id).where(account_organizations.c.organization_id == _organization)
_shared = select(account_organizations.c.organization_id).where(account_organizations.c.account_id.in_(_accounts))

_locked = union(select(_organization.label("id")), _accounts).subquery("locked")
LOCK_IMPORTS = select(func.pg_advisory_xact_lock(func.hashtextextended(column("id"), 0))).select_from(
    select(_locked.c.id).order_by(_locked.c.id).subquery("ordered")
)
"""Waits for the imports into `organization` and into the others of its accounts: two could take one id at once."""

SIBLINGS = select(organizations.c.id).where(or_(organizations.c.id == _organization, organizations.c.id.in_(_shared)))
"""`organization` and the others of its accounts, when there is one with this id."""

HOLDERS = (
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
"""Which records of `organizations`, live or deleted, have one of `ids`."""

USUAL: dict[str, ColumnElement[Any]] = {"metadata": literal({}, JSONB), "version": literal(1)}


@cache
def export_statement() -> Select[Any]:
    """(JSON as v1 shows it, further members of that object or an empty text) of every record of `organization`, by id.

    The further members are what v1 does not show, where it is not what a new record has.
    """
    shown: Selection = tuple(V1.fields.items())
    json, row = render_row(shown, clients)
    hidden = func.concat_ws(",", *(_member(field) for name, field in TRANSFER.fields.items() if name not in V1.fields))
    mine = clients.c.organization_id == _organization
    return select(json, hidden).select_from(clients.join(row, true())).where(mine).order_by(clients.c.id)


def _member(field: Field) -> ColumnElement[Any]:
    """A member of a JSON object; null where the record has the usual value."""
    value = render_field(field, clients.c)
    value = func.nullif(value, USUAL[field.column]) if field.column in USUAL else value
    text = cast(value if field.kind is Kind.JSON else func.to_json(value), Text)
    return literal(f'"{field.name}":', Text()).op("||")(text)
