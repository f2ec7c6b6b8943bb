"""Accounts and their access tokens. Signing up, logging in and is-unique need no token."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.accounts.password_change import PasswordChange
from app.accounts.password_change import change_password as change_own_password
from app.accounts.record import read_label, read_scopes, read_ttl
from app.accounts.service import (
    LoginDesk,
    add_token,
    get_account,
    is_unique,
    list_tokens,
    remove_token,
    require_account,
)
from app.accounts.service import log_in as log_in_account
from app.accounts.service import log_out as log_out_account
from app.accounts.service import sign_up as sign_up_account
from app.auth import Access, Scope
from app.errors import Forbidden, Malformed, NotFound, TokenExpired, Unauthenticated
from app.query.values import check_text
from app.rest.v1.answers import V1Response, no_content, show
from app.rest.v1.call import V1Call, required_text
from app.rest.v1.errors import NOT_A_STRING, NotLoggedIn, UnknownModel, checking, no_model, unknown_record
from app.rest.v1.filters import read_record_filter
from app.rest.v1.models import ACCOUNT_MODEL
from app.tokens import AccessToken, TokenTerms

TOKENS_MODEL = "AccessToken"


async def sign_up(call: V1Call) -> V1Response:
    """Creates an account with a password. Raises Forbidden when only the operator may create accounts."""
    members = (await call.small_body()).lax_object()
    if not call.services.sign_up:
        raise Forbidden("Only the operator creates accounts.")
    with checking(ACCOUNT_MODEL.name):
        account = await sign_up_account(login_desk(call), members, ACCOUNT_MODEL.everything)
    return V1Response(account.encode())


async def log_in(call: V1Call) -> V1Response:
    """Creates an access token from an e-mail address and a password. A token in the request is ignored."""
    members = (await call.small_body()).lax_object()
    name, password = members.get("email") or members.get("username"), members.get("password") or ""
    if not name:
        raise Malformed("username or email is required", "email", code="USERNAME_EMAIL_REQUIRED")
    if not isinstance(name, str) or not isinstance(password, str):
        raise Malformed(NOT_A_STRING, "email" if isinstance(password, str) else "password")
    with checking(TOKENS_MODEL):
        ttl = read_ttl(members.get("ttl"))
    token = await log_in_account(login_desk(call), check_text(name, "email"), password, ttl)
    return show(show_token(token))


def login_desk(call: V1Call) -> LoginDesk:
    """The services behind a login. The request counts by its source even with a token. Raises TooMany."""
    call.meter.admit_anonymous()
    return _make_desk(call)


def _make_desk(call: V1Call) -> LoginDesk:
    services = call.services
    return LoginDesk(services.database, services.passwords, services.account_limits, call.request.user.source)


async def log_out(call: V1Call) -> V1Response:
    """Revokes the token of the request."""
    await call.body()
    try:
        access = await call.access()
    except TokenExpired:
        raise
    except Unauthenticated as error:
        raise NotLoggedIn("accessToken is required to logout") from error
    await log_out_account(access)
    return no_content()


async def change_password(call: V1Call) -> V1Response:
    """Changes the password of the caller's account, and ends its other logins."""
    body = await call.small_body()
    old, new = (required_text(body.object(), name) for name in ("oldPassword", "newPassword"))
    access = await call.access()
    own_account(access)
    with checking(ACCOUNT_MODEL.name):
        await change_own_password(_make_desk(call), access, PasswordChange(check_text(old, "oldPassword"), new))
    return no_content()


async def get(call: V1Call) -> V1Response:
    """The caller's own account."""
    return await _show(call, call.id)


async def get_authorized(call: V1Call) -> V1Response:
    """The account that the token belongs to."""
    return await _show(call, None)


async def _show(call: V1Call, account_id: str | None) -> V1Response:
    tree = call.object_parameter("filter")
    access = await call.access()
    filter_ = read_record_filter(tree, ACCOUNT_MODEL)
    shown_id = own_account(access) if account_id is None else account_id
    try:
        return V1Response((await get_account(access, shown_id, filter_.selection)).encode())
    except NotFound as error:
        raise unknown_record(ACCOUNT_MODEL, shown_id) from error


def own_account(access: Access) -> str:
    """The account of a token. Raises Unauthenticated for an organization's own token."""
    if access.principal.account_id is None:
        raise Unauthenticated("The token belongs to an organization, not to an account")
    return access.principal.account_id


async def ask_unique(call: V1Call) -> V1Response:
    """True if no account has an e-mail address."""
    email = check_text(required_text(call.parameters("email"), "email"), "email")
    call.meter.admit_anonymous()
    unique = await is_unique(call.services.database, email)
    return show({"isUnique": unique})


def show_token(token: AccessToken) -> Mapping[str, Any]:
    """A token as LoopBack shows it. `id` is the secret itself only for a new token."""
    scopes = [Scope.READ, Scope.WRITE] if token.scope is Scope.WRITE else [Scope.READ]
    return {
        "id": token.name,
        "ttl": token.ttl,
        "created": show_moment(token.created_at),
        "userId": token.account_id,
        "scopes": scopes,
        **({"label": token.label} if token.label else {}),
    }


def show_listed_token(token: AccessToken) -> Mapping[str, Any]:
    """A token as LoopBack shows it, with its label, its expiry, its last use to the hour, and the token that made it."""
    return {
        **show_token(token),
        "label": token.label,
        "expires": show_moment(token.expires_at),
        "lastUsed": show_moment(token.last_used_at),
        "parentId": token.parent_id,
    }


def show_moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def create_token(call: V1Call) -> V1Response:
    """Creates a token, which may have fewer scopes than the caller's token."""
    members = (await call.body()).lax_object()
    access = await require_own_account(call)
    access.require_write()
    with checking(TOKENS_MODEL):
        terms = TokenTerms(
            read_ttl(members.get("ttl")), read_scopes(members.get("scopes")), read_label(members.get("label"))
        )
    return show(show_token(await add_token(access, call.id, terms)))


async def find_tokens(call: V1Call) -> V1Response:
    """The tokens of the account, the newest first, up to the cap of a list."""
    access = await require_own_account(call)
    tokens = await list_tokens(access, call.id, call.services.page_cap)
    return show([show_listed_token(token) for token in tokens])


async def delete_token(call: V1Call) -> V1Response:
    """Revokes the token that has this id, or that is this secret."""
    token = call.path_parameters["fk"]
    access = await require_own_account(call)
    if not await remove_token(access, call.id, token):
        raise UnknownModel(f"No instance with id {token} found for {TOKENS_MODEL}")
    return no_content()


async def require_own_account(call: V1Call) -> Access:
    """The access of the caller. Raises UnknownModel when the account in the path is another account."""
    access = await call.access()
    try:
        require_account(access.principal, call.id)
    except NotFound as error:
        raise no_model(call.id) from error
    return access
