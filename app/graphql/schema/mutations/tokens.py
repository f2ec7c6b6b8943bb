"""The mutations of access tokens."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import UNSET, field

from app.accounts.record import read_label
from app.auth import Scope
from app.caller_tokens import CallerToken, NewToken, create_caller_token, find_caller_tokens, revoke_caller_token
from app.graphql.execution.context import Info, read_id, require_organization, write_global_id
from app.graphql.execution.loading import find_payload_plan, load_planned_row
from app.graphql.schema.access_tokens import AccessToken
from app.graphql.schema.inputs import ORGANIZATION_ID, DateTime, argument
from app.graphql.schema.mutations.inputs import IdempotencyKey
from app.graphql.schema.mutations.payloads import Payload
from app.graphql.schema.mutations.records import request_key
from app.graphql.schema.user_errors import UserError, UserErrorCode, attempt
from app.graphql.schema.words import TokenScope
from app.query.values import parse_moment

SHOWN_ONCE = "The text of an access token is shown once, when it is created. Revoke a token whose text is lost, and create another."


@strawberry.input(description="A new access token. It never has more rights than the token of the request.")
class CreateAccessTokenInput:
    label: str | None = field(default=UNSET, description="A text that tells the token apart: at most 100 characters.")
    scopes: list[TokenScope] | None = field(
        default=UNSET, description="The rights of the token. The default is to read and write."
    )
    expires_at: DateTime | None = field(
        default=UNSET,
        description="The time when the token expires, at the latest when the token of the request does, which is the default.",
    )
    organization_id: strawberry.ID | None = field(
        default=UNSET,
        description=f"{ORGANIZATION_ID} The new token can access only this one. The default are those of the token of the request.",
    )


@strawberry.type(description="The result of `createAccessToken`.")
class CreateAccessTokenPayload(Payload):
    token: str | None = field(
        default=None, description="The text of the token. It is shown once, because only a hash of it is stored."
    )
    access_token: AccessToken | None = field(
        default=None, description="The token without its text. Null if the mutation failed."
    )


@strawberry.type(description="The result of `revokeAccessToken`.")
class RevokeAccessTokenPayload(Payload):
    revoked_access_token_id: strawberry.ID | None = field(
        default=None, description="The global id of the revoked token. Null if the mutation failed."
    )


@strawberry.type
class AccessTokenMutations:
    @strawberry.mutation(
        description="Creates an access token with the token of the request. It is revoked with that token. A repeated request "
        "with the same idempotency key shows the token without its text, and the error ALREADY_SHOWN."
    )
    async def create_access_token(
        self,
        info: Info,
        input: Annotated[CreateAccessTokenInput, argument("The new access token.")],
        idempotency_key: IdempotencyKey = None,
    ) -> CreateAccessTokenPayload:
        created, errors = await attempt(_create(info, input, idempotency_key), ["input"])
        if created is None:
            for error in errors:
                error.field = ["input", "organizationId"] if error.field == ["organizationId"] else error.field
            return CreateAccessTokenPayload(user_errors=errors)
        text, token = created
        if text is None:
            errors = [UserError(field=["idempotencyKey"], message=SHOWN_ONCE, code=UserErrorCode.ALREADY_SHOWN)]
        return CreateAccessTokenPayload(token=text, access_token=await _show(info, token.id), user_errors=errors)

    @strawberry.mutation(
        description="Revokes an access token, and all that were made with it. Requests with it fail from now on."
    )
    async def revoke_access_token(
        self,
        info: Info,
        id: Annotated[strawberry.ID, argument("The id of the token: the global id or 24 hex digits.")],
        idempotency_key: IdempotencyKey = None,
    ) -> RevokeAccessTokenPayload:
        bare = read_id("AccessToken", id)
        _, errors = await attempt(_revoke(info, bare, idempotency_key), [])
        if errors:
            return RevokeAccessTokenPayload(user_errors=errors)
        revoked = strawberry.ID(write_global_id("AccessToken", bare))
        return RevokeAccessTokenPayload(revoked_access_token_id=revoked, user_errors=[])


async def _create(info: Info, input: CreateAccessTokenInput, key: str | None) -> tuple[str | None, CallerToken]:
    scopes = input.scopes or [TokenScope.WRITE]
    organization = require_organization(info, input.organization_id) if input.organization_id else None
    new = NewToken(
        read_label(input.label or None),
        Scope.WRITE if TokenScope.WRITE in scopes else Scope.READ,
        _read_moment(input.expires_at or None),
        organization,
    )
    parts = ("create token", new.label, new.scope, str(new.expires_at), organization)
    return await create_caller_token(info.context.access, new, request_key(info, key, *parts))


async def _show(info: Info, token_id: str) -> AccessToken | None:
    selection = await find_payload_plan(info, AccessToken.face, "accessToken")
    return await load_planned_row(info, AccessToken, find_caller_tokens, token_id, selection)


async def _revoke(info: Info, token_id: str, key: str | None) -> None:
    await revoke_caller_token(info.context.access, token_id, request_key(info, key, "revoke token", token_id))


def _read_moment(text: str | None) -> datetime | None:
    return None if text is None else parse_moment(text)
