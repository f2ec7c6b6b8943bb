"""The mutation of the caller's account: another password."""

from dataclasses import replace
from typing import Annotated

import strawberry
from strawberry import field

from app.accounts.password_change import PasswordChange, change_password
from app.accounts.service import get_own_accounts
from app.graphql.execution.context import Info
from app.graphql.execution.loading import find_payload_plan, load_planned_row
from app.graphql.schema.accounts import Account
from app.graphql.schema.inputs import argument
from app.graphql.schema.mutations.inputs import IdempotencyKey
from app.graphql.schema.mutations.payloads import Payload
from app.graphql.schema.mutations.records import request_key
from app.graphql.schema.user_errors import attempt


@strawberry.input(description="The passwords of a change.")
class ChangePasswordInput:
    old_password: str = field(description="The current password.")
    new_password: str = field(
        description="The new password: at least 10 characters and at most 72 bytes, not a common one, and no name of the account."
    )


@strawberry.type(description="The result of `changePassword`.")
class ChangePasswordPayload(Payload):
    account: Account | None = field(default=None, description="The account. Null if the mutation failed.")


@strawberry.type
class AccountMutations:
    @strawberry.mutation(
        description="Changes the password of your account, and revokes the tokens of all its logins but the one you use. "
        "A wrong old password counts as a failed login."
    )
    async def change_password(
        self,
        info: Info,
        input: Annotated[ChangePasswordInput, argument("The old and the new password.")],
        idempotency_key: IdempotencyKey = None,
    ) -> ChangePasswordPayload:
        _, errors = await attempt(_change_password(info, input, idempotency_key), ["input"])
        return ChangePasswordPayload(account=None if errors else await _show(info), user_errors=errors)


async def _change_password(info: Info, passwords: ChangePasswordInput, key: str | None) -> None:
    access = info.context.access
    desk = replace(info.context.desk, source=access.source)
    request = request_key(info, key, "change password")
    change = PasswordChange(passwords.old_password, passwords.new_password, request)
    await change_password(desk, access, change)


async def _show(info: Info) -> Account | None:
    """The account as it is now."""
    own, selection = info.context.principal.account_id, await find_payload_plan(info, Account.face, "account")
    return await load_planned_row(info, Account, get_own_accounts, own, selection) if own else None
