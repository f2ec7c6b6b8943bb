"""The statements that look up access tokens."""

from sqlalchemy import ARRAY, Double, LargeBinary, Text, and_, bindparam, case, cast, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, array

from app.storage.tables import access_revision, access_tokens, account_organizations, accounts, organizations

_accessible = (
    select(func.array_agg(aggregate_order_by(organizations.c.id, organizations.c.created_at, organizations.c.id)))
    .join(account_organizations, account_organizations.c.organization_id == organizations.c.id)
    .where(
        account_organizations.c.account_id == access_tokens.c.account_id,
        organizations.c.environment == access_tokens.c.environment,
        organizations.c.purge_at.is_(None),
    )
    .scalar_subquery()
)

_is_member = or_(
    access_tokens.c.organization_id.is_(None),
    access_tokens.c.account_id.is_(None),
    select(account_organizations.c.account_id)
    .where(
        account_organizations.c.account_id == access_tokens.c.account_id,
        account_organizations.c.organization_id == access_tokens.c.organization_id,
    )
    .exists(),
)
"""False for a token that an account made for an organization that it cannot access any more."""

_owners = tuple(
    select(table.c.purge_at).where(table.c.id == access_tokens.c[owner]).scalar_subquery()
    for table, owner in ((accounts, "account_id"), (organizations, "organization_id"))
)
_owner_is_live = and_(*(purge_at.is_(None) for purge_at in _owners))
"""Each owner is one lookup by its key. Most tokens have one of them, and the other lookup ends at once."""

_hashes = cast(select(bindparam("hashes", type_=ARRAY(LargeBinary()))).scalar_subquery(), ARRAY(LargeBinary()))
"""The list stands in a subquery, as in of_organizations, so that its length does not make PostgreSQL plan anew."""

_TOKENS = select(
    access_tokens.c.hash,
    access_tokens.c.id,
    case((access_tokens.c.organization_id.is_(None), access_tokens.c.account_id)),
    case(
        (access_tokens.c.organization_id.is_not(None), array([access_tokens.c.organization_id])),
        else_=func.coalesce(_accessible, cast([], ARRAY(Text))),
    ),
    access_tokens.c.scope,
    cast(func.extract("epoch", access_tokens.c.expires_at - func.now()), Double()),
    access_tokens.c.environment,
    select(access_revision.c.revision).scalar_subquery(),
)
"""Each token with the seconds until its expiry, and the revision of access in the same snapshot."""

FIND_TOKEN = _TOKENS.where(access_tokens.c.hash == bindparam("hash", type_=LargeBinary()), _owner_is_live, _is_member)
FIND_TOKENS = _TOKENS.where(access_tokens.c.hash == func.any(_hashes), _owner_is_live, _is_member)
"""The tokens with the hashes of a list. FIND_TOKEN costs less, and nearly every request has one token."""
