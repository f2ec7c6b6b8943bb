"""The statements of an export about one person: each gives the rows of one section as JSON texts.

`organization` limits a section to one organization, if it is not null. Columns that the database computes are left out,
and so are secrets.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.query.sql.index_keys import index_key
from app.storage.tables import (
    access_tokens,
    accounts,
    client_changes,
    clients,
    idempotency_keys,
    organizations,
    outbox,
    webhook_deliveries,
)

_email: ColumnElement[str] = func.fold(bindparam("email", type_=Text()), type_=Text())
_organization = bindparam("organization", type_=Text())


def _equals(folded: ColumnElement[Any]) -> ColumnElement[bool]:
    """Compares a folded address as the filters for e-mail addresses do. The index holds its beginning."""
    return and_(index_key(folded).op("=")(index_key(_email)), folded.op("=")(_email))


def _scope(table: Table) -> ColumnElement[bool]:
    return or_(_organization.is_(None), table.c.organization_id == _organization)


def _show(table: Table, *hidden: str) -> Select[Any]:
    """(JSON) of each row of a table."""
    computed = [stored.name for stored in table.c if stored.computed is not None]
    row = func.to_jsonb(table.table_valued(), type_=JSONB)
    return select(cast(row.op("-")(cast([*computed, *hidden], ARRAY(Text))), Text)).select_from(table)


SUBJECTS = select(clients.c.organization_id, clients.c.id).where(_scope(clients), _equals(clients.c.email_folded))
"""(organization, id) of every client with the address, also of deleted ones."""

RECORDS = (
    select(clients.c.organization_id, clients.c.id, clients.c.name, organizations.c.name.label("organization"))
    .join(organizations, organizations.c.id == clients.c.organization_id)
    .where(_scope(clients), clients.c.id == bindparam("client", type_=Text()))
    .order_by(clients.c.organization_id)
)
"""(organization's id, id, name, organization's name) of every client with the id `client`, also of a deleted one."""

_pairs = func.unnest(bindparam("organizations", type_=ARRAY(Text)), bindparam("clients", type_=ARRAY(Text)))
_subject = _pairs.table_valued("organization_id", "client_id", name="subject").render_derived()


def _of_subjects(table: Table, column: str = "client_id") -> ColumnElement[bool]:
    """True for a row about one of the clients of SUBJECTS."""
    matches = (table.c.organization_id == _subject.c.organization_id, table.c[column] == _subject.c.client_id)
    return select(literal(1)).select_from(_subject).where(*matches).exists()


_body = func.convert_from(func.coalesce(idempotency_keys.c.body, func.convert_to("", "UTF8")), "UTF8")
_names_subject = (
    select(literal(1))
    .select_from(_subject)
    .where(idempotency_keys.c.organization_id == _subject.c.organization_id, _body.contains(_subject.c.client_id))
    .exists()
)
_response = func.jsonb_build_object(
    *(part for name in ("owner", "id", "status", "organization_id", "client_id", "created_at")
      for part in (name, idempotency_keys.c[name])),
    "body",
    case((idempotency_keys.c.body.is_not(None), _body)),
)  # fmt: skip
_account = _equals(func.fold(accounts.c.email))

SECTIONS: Mapping[str, Select[Any]] = {
    "clients": _show(clients).where(_of_subjects(clients, "id")).order_by(clients.c.organization_id, clients.c.id),
    "changes": _show(client_changes, "transaction").where(_of_subjects(client_changes)).order_by(client_changes.c.id),
    "messages": _show(outbox)
    .where(_scope(outbox), or_(_of_subjects(outbox), _equals(func.fold(outbox.c.recipient))))
    .order_by(outbox.c.organization_id, outbox.c.id),
    "deliveries": _show(webhook_deliveries)
    .where(_of_subjects(webhook_deliveries))
    .order_by(webhook_deliveries.c.organization_id, webhook_deliveries.c.id),
    "responses": select(cast(_response, Text))
    .where(
        _scope(idempotency_keys),
        or_(_of_subjects(idempotency_keys), _names_subject, func.strpos(func.fold(_body), _email) > 0),
    )
    .order_by(idempotency_keys.c.created_at),
    "accounts": _show(accounts, "password_hash").where(_organization.is_(None), _account),
    "tokens": _show(access_tokens, "hash")
    .where(_organization.is_(None), access_tokens.c.account_id.in_(select(accounts.c.id).where(_account)))
    .order_by(access_tokens.c.id),
}
"""The sections of an export in their order."""
