"""The operations of accounts: sign up, log in and out, and look at one's own. The first two and is-unique ask for no token."""

from typing import Any

import orjson

from app.accounts.record import read_ttl
from app.accounts.service import get_account, is_unique
from app.accounts.service import log_in as log_in_account
from app.accounts.service import log_out as log_out_account
from app.accounts.service import sign_up as sign_up_account
from app.auth import Access
from app.errors import Forbidden, Malformed, NotFound, TokenExpired, Unauthenticated
from app.query.values import check_text
from app.rest.v1.answers import Reply
from app.rest.v1.arguments import object_argument, required_text
from app.rest.v1.bodies import Body
from app.rest.v1.call import Call
from app.rest.v1.errors import NOT_A_STRING, NotLoggedIn, UnknownModel, checking
from app.rest.v1.models import ACCOUNT_MODEL
from app.rest.v1.questions import read_one
from app.rest.v1.tokens import MODEL as TOKEN_MODEL
from app.rest.v1.tokens import show_token


def given_object(body: Body) -> dict[str, Any]:
    """The object in a body; nothing, null and a body of another type are an empty one."""
    return body.object() if body.value is not None else {}


async def sign_up(call: Call) -> Reply:
    """A new account with a password. Raises Forbidden where only operators make accounts."""
    given = given_object(await call.body())
    if not call.services.sign_up:
        raise Forbidden("Accounts are made by the operator")
    with checking(ACCOUNT_MODEL.name):
        made = await sign_up_account(call.database, call.services.passwords, given, ACCOUNT_MODEL.everything)
    return Reply(made.encode())


async def log_in(call: Call) -> Reply:
    """A new access token; whatever token comes with the request is not looked at."""
    given = given_object(await call.body())
    name, password = given.get("email") or given.get("username"), given.get("password") or ""
    if not name:
        raise Malformed("username or email is required", "email", code="USERNAME_EMAIL_REQUIRED")
    if not isinstance(name, str) or not isinstance(password, str):
        raise Malformed(NOT_A_STRING, "email" if isinstance(password, str) else "password")
    with checking(TOKEN_MODEL):
        ttl = read_ttl(given.get("ttl"))
    made = await log_in_account(call.database, call.services.passwords, check_text(name, "email"), password, ttl)
    return Reply(orjson.dumps(show_token(made)))


async def log_out(call: Call) -> Reply:
    """The token that was sent opens nothing any more."""
    await call.body()
    try:
        access = await call.access()
    except TokenExpired:
        raise
    except Unauthenticated as error:
        raise NotLoggedIn("accessToken is required to logout") from error
    await log_out_account(access)
    return Reply(b"", 204)


async def get(call: Call) -> Reply:
    """The caller's own account."""
    return await _show(call, call.id)


async def get_authorized(call: Call) -> Reply:
    """The account that the token belongs to."""
    return await _show(call, None)


async def _show(call: Call, account_id: str | None) -> Reply:
    tree = object_argument(call.parameters("filter"), "filter") if call.query else None
    access = await call.access()
    question = read_one(tree, ACCOUNT_MODEL)
    wanted = own_account(access) if account_id is None else account_id
    try:
        return Reply((await get_account(access, wanted, question.selection)).encode())
    except NotFound as error:
        raise UnknownModel(f'Unknown "Account" id "{wanted}".') from error


def own_account(access: Access) -> str:
    """The account of a token. Raises Unauthenticated for an organization's own token."""
    if access.principal.account_id is None:
        raise Unauthenticated("The token belongs to an organization, not to an account")
    return access.principal.account_id


async def ask_unique(call: Call) -> Reply:
    """Whether no account has an e-mail address."""
    email = check_text(required_text(call.parameters("email"), "email"), "email")
    unique = await is_unique(call.database, email)
    return Reply(orjson.dumps({"isUnique": unique}))
