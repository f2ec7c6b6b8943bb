"""The statements that delete and restore accounts and organizations, and those that purge what is theirs.

A deleted row has `purge_at`, the moment of its permanent deletion. Until then it can be restored.
"""

from sqlalchemy import (
    ColumnElement,
    Interval,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.sql.elements import ClauseElement

from app.accounts.repository import HAS_EMAIL
from app.privacy.statements import BATCH
from app.storage.columns import NOW, TIME
from app.storage.tables import (
    account_organizations,
    accounts,
    client_changes,
    clients,
    erasures,
    idempotency_keys,
    organizations,
    outbox,
    webhook_deliveries,
    webhooks,
)

_account = bindparam("account", type_=Text())
_organization = bindparam("organization", type_=Text())
_moment = NOW + bindparam("delay", type_=Interval)
_others = account_organizations.alias("others")
_members = (
    select(_others.c.account_id)
    .join(accounts, accounts.c.id == _others.c.account_id)
    .where(_others.c.account_id != _account, accounts.c.purge_at.is_(None))
)
_joined = select(account_organizations.c.organization_id).where(account_organizations.c.account_id == _account)

IS_SHARED = select(_members.where(_others.c.organization_id == _organization).exists())
"""(shared) Whether a live account other than `account` can access `organization`."""

DELETE_ORGANIZATION = (
    update(organizations)
    .where(organizations.c.id == _organization, organizations.c.purge_at.is_(None))
    .values(purge_at=_moment)
    .returning(organizations.c.purge_at)
)
RESTORE_ORGANIZATION = (
    update(organizations)
    .where(organizations.c.id == _organization, organizations.c.purge_at > func.now())
    .values(purge_at=None)
    .returning(organizations.c.id)
)

FIND_ACCOUNT = select(accounts.c.id).where(HAS_EMAIL)
"""(id) of the account with the address `email`, also of a deleted one."""

LOCK_ORGANIZATIONS = (
    select(organizations.c.id).where(organizations.c.id.in_(_joined)).order_by(organizations.c.id).with_for_update()
)
"""Makes deletions of accounts that share an organization one after another, so that the last one takes it along."""

_deleted_before = select(func.max(organizations.c.purge_at)).where(organizations.c.id.in_(_joined)).scalar_subquery()
DELETE_ACCOUNT = (
    update(accounts)
    .where(accounts.c.id == _account, accounts.c.purge_at.is_(None))
    .values(purge_at=func.greatest(_moment, _deleted_before + text("interval '1 millisecond'")))
    .returning(accounts.c.purge_at)
)
"""Its moment is later than those of the organizations that were deleted before. The moment tells what to restore."""
DELETE_ITS_ORGANIZATIONS = (
    update(organizations)
    .where(
        organizations.c.purge_at.is_(None),
        organizations.c.id.in_(_joined),
        ~_members.where(_others.c.organization_id == organizations.c.id).exists(),
    )
    .values(purge_at=bindparam("moment", type_=TIME))
)
"""Deletes the organizations of `account` that no other live account can access."""

_deleters = (
    select(accounts.c.purge_at)
    .join(_others, _others.c.account_id == accounts.c.id)
    .where(_others.c.organization_id == organizations.c.id)
)
RESTORE_ITS_ORGANIZATIONS = (
    update(organizations)
    .where(
        organizations.c.purge_at > func.now(),
        organizations.c.id.in_(_joined),
        organizations.c.purge_at.in_(_deleters),
    )
    .values(purge_at=None)
)
"""Restores the organizations of `account` that were deleted together with an account."""

RESTORE_ACCOUNT = (
    update(accounts)
    .where(accounts.c.id == _account, accounts.c.purge_at > func.now())
    .values(purge_at=None)
    .returning(accounts.c.id)
)


def _due(table: Table) -> ClauseElement:
    """(id) of the rows whose time has come. Restoring does not touch them any more."""
    return select(table.c.id).where(table.c.purge_at <= func.now()).limit(literal_column("100"))


DUE_ORGANIZATIONS, DUE_ACCOUNTS = _due(organizations), _due(accounts)


def _batch(table: Table, owned: ColumnElement[bool], key: str) -> ClauseElement:
    """Deletes at most BATCH rows. Gives the column `key` of each."""
    keys = [*table.primary_key]
    rows = select(*keys).where(owned).limit(literal_column(str(BATCH)))
    return delete(table).where(tuple_(*keys).in_(rows)).returning(table.c[key])


PURGE_MESSAGES = _batch(outbox, outbox.c.organization_id == _organization, "id")
PURGE_ROWS = (
    _batch(webhooks, webhooks.c.organization_id == _organization, "id"),
    _batch(webhook_deliveries, webhook_deliveries.c.organization_id == _organization, "id"),
    _batch(clients, clients.c.organization_id == _organization, "id"),
    _batch(client_changes, client_changes.c.organization_id == _organization, "id"),
    _batch(idempotency_keys, idempotency_keys.c.organization_id == _organization, "owner"),
    _batch(idempotency_keys, idempotency_keys.c.owner == _organization, "owner"),
)
"""The rows of an organization. Its tokens, its totals and its accounts' access go with its own row."""

PURGE_ACCOUNT_ROWS = _batch(
    idempotency_keys,
    or_(idempotency_keys.c.owner == _account, idempotency_keys.c.owner == func.concat(_account, ":sandbox")),
    "owner",
)

PURGE_ORGANIZATION = (
    delete(organizations)
    .where(organizations.c.id == _organization, organizations.c.purge_at <= func.now())
    .returning(organizations.c.id)
)
PURGE_ACCOUNT = (
    delete(accounts).where(accounts.c.id == _account, accounts.c.purge_at <= func.now()).returning(accounts.c.id)
)
NOTE_PURGE = insert(erasures).values(id=literal_column("DEFAULT"))
"""Makes the retention worker refresh the planner's statistics."""
