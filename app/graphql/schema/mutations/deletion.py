"""The mutations that delete the caller's account and its organizations."""

from datetime import UTC, datetime
from typing import Annotated

import strawberry

from app.graphql.execution.context import Info, read_id, write_global_id
from app.graphql.schema.inputs import ORGANIZATION_ID, DateTime, argument
from app.graphql.schema.mutations.inputs import IdempotencyKey
from app.graphql.schema.mutations.payloads import DeleteAccountPayload, DeleteOrganizationPayload
from app.graphql.schema.mutations.records import request_key
from app.graphql.schema.user_errors import attempt
from app.privacy.deletion import delete_own_account, delete_own_organization

OrganizationId = Annotated[strawberry.ID, argument(ORGANIZATION_ID)]
AccountId = Annotated[strawberry.ID, argument("The id of the account, from `viewer`: the global id or 24 hex digits.")]


def _show(moment: datetime) -> DateTime:
    return DateTime(moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


@strawberry.type
class DeletionMutations:
    @strawberry.mutation(
        description="Deletes an organization with all of its data. At once nobody can access it. Only a token of an account "
        "may delete it, and the error is ORGANIZATION_SHARED if other accounts can access it too."
    )
    async def delete_organization(
        self, info: Info, id: OrganizationId, idempotency_key: IdempotencyKey = None
    ) -> DeleteOrganizationPayload:
        bare = read_id("Organization", id)
        moment, errors = await attempt(_delete_organization(info, bare, idempotency_key), [])
        if moment is None:
            return DeleteOrganizationPayload(user_errors=errors)
        return DeleteOrganizationPayload(
            user_errors=[],
            permanently_deleted_at=_show(moment),
            deleted_organization_id=strawberry.ID(write_global_id("Organization", bare)),
        )

    @strawberry.mutation(
        description="Deletes the account of the token, and the organizations that no other account can access. At once its "
        "tokens stop working, so a repeated request is answered with 401, also with the same idempotency key."
    )
    async def delete_account(
        self, info: Info, id: AccountId, idempotency_key: IdempotencyKey = None
    ) -> DeleteAccountPayload:
        bare = read_id("Account", id)
        moment, errors = await attempt(_delete_account(info, bare, idempotency_key), [])
        if moment is None:
            return DeleteAccountPayload(user_errors=errors)
        return DeleteAccountPayload(
            user_errors=[],
            permanently_deleted_at=_show(moment),
            deleted_account_id=strawberry.ID(write_global_id("Account", bare)),
        )


async def _delete_organization(info: Info, organization_id: str, key: str | None) -> datetime:
    context, request = info.context, request_key(info, key, "delete organization", organization_id)
    return await delete_own_organization(context.access, organization_id, context.deletion_delay, request)


async def _delete_account(info: Info, account_id: str, key: str | None) -> datetime:
    context, request = info.context, request_key(info, key, "delete account", account_id)
    return await delete_own_account(context.access, account_id, context.deletion_delay, request)
