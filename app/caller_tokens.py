"""Access tokens that callers make with their own token, list and revoke.

A token of an account manages the tokens of its account and environment. A token of an organization manages itself and the
tokens that were made with it. A token that an account makes for one of its organizations keeps the account: it ends when the
account loses the organization.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
)

from app.auth import Access, Environment, Principal, Scope, hash_token
from app.errors import Invalid, NotFound, Problem, Unauthenticated
from app.idempotency import RequestKey, StoredResponse, claim, remember
from app.ids import new_id
from app.query.key_page import NOTHING_OUTSIDE, KeyPage, KeyRows, cut_page
from app.query.sql.render import Selection, bind_values, render_object
from app.storage.connection import Connection
from app.storage.kept import keep_statements
from app.storage.retries import retried
from app.storage.tables import access_tokens
from app.tokens import draw_token

UNKNOWN = "There is no such access token"


@dataclass(frozen=True, slots=True)
class CallerToken:
    """A token without its text. A token with an account and an organization gives access to this organization only."""

    id: str
    account_id: str | None
    organization_id: str | None
    scope: str
    label: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    parent_id: str | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """The properties of a new token. Without an expiry or an organization it has those of the caller's token."""

    label: str | None = None
    scope: Scope = Scope.WRITE
    expires_at: datetime | None = None
    organization_id: str | None = None


_columns = [access_tokens.c[field.name] for field in fields(CallerToken)]
_account = bindparam("account", type_=Text())
_own = bindparam("token", type_=Text())
_environment = bindparam("environment", type_=Text())
_of_account = and_(
    access_tokens.c.account_id == _account,
    or_(_environment == literal(Environment.LIVE.value), access_tokens.c.environment == _environment),
)
_of_organization = and_(_account.is_(None), or_(access_tokens.c.id == _own, access_tokens.c.parent_id == _own))
MANAGEABLE = or_(_of_account, _of_organization)
"""True for the tokens that the caller of the parameters may manage."""
_bound = {name: bindparam(name, type_=Text()) for name in ("after", "before")}


def show_scopes(scope: ColumnElement[str]) -> ColumnElement[Any]:
    """The scopes of a token as a JSON list of GraphQL's words."""
    both: ColumnElement[Any] = literal_column("""'["READ","WRITE"]'::json""")
    return case((scope == literal(Scope.WRITE.value), both), else_=literal_column("""'["READ"]'::json"""))


SHOWN_COLUMNS = (
    *_columns,
    show_scopes(access_tokens.c.scope).label("scopes"),
    (access_tokens.c.id == _own).label("is_current"),
    _account.label("caller_account_id"),
    bindparam("organizations", type_=ARRAY(Text)).label("caller_organizations"),
)
"""The columns of the face ACCESS_TOKEN, for the caller of the parameters."""

_with_ids = access_tokens.c.id == func.any(bindparam("ids", type_=ARRAY(Text)))
GET = select(*_columns).where(MANAGEABLE, _with_ids)
COUNT = select(func.count()).select_from(access_tokens).where(MANAGEABLE)
_between = (
    or_(_bound["after"].is_(None), access_tokens.c.id < _bound["after"]),
    or_(_bound["before"].is_(None), access_tokens.c.id > _bound["before"]),
)


@keep_statements
def get_statement(selection: Selection) -> Select[Any]:
    """(id, JSON) The tokens with some ids that the caller may manage."""
    return _render(select(*SHOWN_COLUMNS).where(MANAGEABLE, _with_ids).subquery("t"), selection)


@keep_statements
def page_statement(selection: Selection, backward: bool) -> Select[Any]:
    """(id, JSON) At most `most` tokens that the caller may manage, newest first, or backward."""
    order = access_tokens.c.id.asc() if backward else access_tokens.c.id.desc()
    page = select(*SHOWN_COLUMNS).where(MANAGEABLE, *_between).order_by(order).limit(bindparam("most")).subquery("t")
    return _render(page, selection).order_by(page.c.id.asc() if backward else page.c.id.desc())


def _render(tokens: Subquery, selection: Selection) -> Select[Any]:
    return select(tokens.c.id, render_object(selection, tokens.c))


def _exists(bound: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(literal(1)).select_from(access_tokens).where(MANAGEABLE, bound).exists()


_bounds: Any = select(_exists(access_tokens.c.id >= _bound["after"]), _exists(access_tokens.c.id <= _bound["before"]))
OUTSIDE: Select[Any] = _bounds
"""(a token is `after` or newer, a token is `before` or older); false for a bound that is null."""

LOCK_PARENT = (
    select(access_tokens.c.account_id, access_tokens.c.organization_id, access_tokens.c.expires_at)
    .where(
        access_tokens.c.id == _own, or_(access_tokens.c.expires_at.is_(None), access_tokens.c.expires_at > func.now())
    )
    .with_for_update(read=True, key_share=True)
)
"""The owner and the expiry of a valid token. The lock delays its revocation, which then ends its children."""

REVOKE = (
    delete(access_tokens)
    .where(MANAGEABLE, access_tokens.c.id == bindparam("revoked", type_=Text()))
    .returning(access_tokens.c.id)
)


def describe_caller(principal: Principal) -> dict[str, Any]:
    return {
        "account": principal.account_id,
        "token": principal.token_id,
        "environment": str(principal.environment),
        "organizations": list(principal.organizations),
    }


@retried
async def create_caller_token(
    access: Access, new: NewToken, key: RequestKey | None = None
) -> tuple[str | None, CallerToken]:
    """Makes a token with the caller's token, and gives its text and its data. It is revoked with the caller's token.

    A request that comes again with its `key` gets the data without the text, because only a hash of it is stored.
    Raises Forbidden, NotFound for an organization, and Invalid for an expiry in the past or after that of the caller's token.
    """
    access.require_write()
    if new.organization_id is not None:
        access.require(new.organization_id)
    async with access.database.write() as connection:
        stored = None if key is None else await claim(connection, key)
        if stored is not None:
            return None, await _get(connection, access.principal, stored.body.decode())
        text, token = await _add(connection, access.principal, new)
        if key is not None:
            await remember(connection, key, StoredResponse(201, token.id.encode()), None)
        return text, token


async def _get(connection: Connection, principal: Principal, token_id: str) -> CallerToken:
    row = (await connection.execute(GET, {**describe_caller(principal), "ids": [token_id]})).first()
    if row is None:
        raise NotFound(UNKNOWN)
    return CallerToken(*row)


async def _add(connection: Connection, principal: Principal, new: NewToken) -> tuple[str, CallerToken]:
    row = (await connection.execute(LOCK_PARENT, {"token": principal.token_id})).first()
    if row is None:
        raise Unauthenticated("The access token is not known")
    account_id, organization_id, expires_at = row
    organization_id = new.organization_id or organization_id
    prefix = "ek" if organization_id else "sk"
    text = f"{prefix}_{principal.environment}_{draw_token()}"
    values = {
        "id": new_id(),
        "hash": hash_token(text),
        "account_id": account_id,
        "organization_id": organization_id,
        "scope": new.scope,
        "environment": principal.environment,
        "expires_at": _check_expiry(new.expires_at, expires_at),
        "label": new.label,
        "parent_id": principal.token_id,
    }
    added = await connection.execute(insert(access_tokens).values(values).returning(*_columns))
    return text, CallerToken(*added.one())


def _check_expiry(expires_at: datetime | None, latest: datetime | None) -> datetime | None:
    """The expiry of a new token. Raises Invalid."""
    if expires_at is None:
        return latest
    if expires_at <= datetime.now(UTC):
        raise Invalid([Problem("expiresAt", "range", f"must be in the future; got {_show(expires_at)}")])
    if latest is not None and expires_at > latest:
        message = f"must not be after {_show(latest)}, when your own token expires; got {_show(expires_at)}"
        raise Invalid([Problem("expiresAt", "range", message)])
    return expires_at


def _show(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class RenderedToken(NamedTuple):
    """A token as JSON text, and its id."""

    id: str
    json: str


async def find_caller_tokens(access: Access, ids: Sequence[str], selection: Selection) -> dict[str, str]:
    """The tokens with some ids that the caller may manage, rendered."""
    async with access.database.read() as connection:
        parameters = bind_values(selection, {**describe_caller(access.principal), "ids": list(ids)})
        rows = await connection.execute(get_statement(selection), parameters)
    return {token_id: json for token_id, json in rows}  # noqa: C416


async def page_caller_tokens(
    access: Access, page: KeyPage[str], selection: Selection, *, bounds: bool
) -> KeyRows[RenderedToken]:
    """A page of the tokens that the caller may manage, rendered, newest first. With `bounds` it looks for tokens outside of it."""
    parameters = {
        **describe_caller(access.principal),
        "after": page.after,
        "before": page.before,
        "most": page.limit + 1,
    }
    async with access.database.read() as connection:
        rows = await connection.execute(page_statement(selection, page.backward), parameters)
        outside = (await connection.execute(OUTSIDE, parameters)).one() if bounds else NOTHING_OUTSIDE
    return cut_page(page, [RenderedToken(*row) for row in rows], tuple(outside))


async def count_caller_tokens(access: Access) -> int:
    async with access.database.read() as connection:
        return int(await connection.scalar(COUNT, describe_caller(access.principal)))


@retried
async def revoke_caller_token(access: Access, token_id: str, key: RequestKey | None = None) -> None:
    """Revokes a token that the caller may manage, and all that were made with it. Raises Forbidden and NotFound."""
    access.require_write()
    async with access.database.write() as connection:
        if key is not None and await claim(connection, key) is not None:
            return
        revoked = await connection.execute(REVOKE, {**describe_caller(access.principal), "revoked": token_id})
        if not revoked:
            raise NotFound(UNKNOWN)
        if key is not None:
            await remember(connection, key, StoredResponse(200, b""), None)
