"""The access tokens of an account: made, listed without themselves, and revoked."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.accounts.record import read_scopes, read_ttl
from app.accounts.service import add_token, list_tokens, remove_token, require_account
from app.auth import Access, Scope
from app.errors import NotFound
from app.rest.router import decode
from app.rest.v1.answers import Reply
from app.rest.v1.call import Call
from app.rest.v1.errors import UnknownModel, checking, no_model
from app.tokens import AccessToken

MODEL = "AccessToken"


def show_token(token: AccessToken) -> Mapping[str, Any]:
    """As LoopBack shows one; `id` is the token itself only when it has just been made."""
    created = token.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    scopes = [Scope.READ, Scope.WRITE] if token.scope is Scope.WRITE else [Scope.READ]
    return {
        "id": token.name,
        "ttl": token.ttl,
        "created": created,
        "userId": token.account_id,
        "scopes": scopes,
    }


async def create(call: Call) -> Reply:
    """A new token; its scopes may be less than the caller's."""
    body = await call.body()
    given = body.object() if body.value is not None else {}
    access = await _own(call)
    access.require_write()
    with checking(MODEL):
        ttl, scope = read_ttl(given.get("ttl")), read_scopes(given.get("scopes"))
    return Reply(orjson.dumps(show_token(await add_token(access, call.id, ttl, scope))))


async def find(call: Call) -> Reply:
    """The account's tokens, the newest first, up to the cap of a list."""
    access = await _own(call)
    found = await list_tokens(access, call.id, call.services.page_cap)
    return Reply(orjson.dumps([show_token(one) for one in found]))


async def delete(call: Call) -> Reply:
    """The token of an id, or the token itself, opens nothing any more."""
    named = decode(call.last_segment)
    access = await _own(call)
    if not await remove_token(access, call.id, named):
        raise UnknownModel(f"No instance with id {named} found for {MODEL}")
    return Reply(b"", 204)


async def _own(call: Call) -> Access:
    access = await call.access()
    try:
        require_account(access.principal, call.id)
    except NotFound as error:
        raise no_model(call.id) from error
    return access
