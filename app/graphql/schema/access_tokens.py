"""Access tokens: the type, their connection below the viewer, and the look-up by id."""

from typing import ClassVar

import strawberry
from strawberry import field

from app.accounts.faces import ACCESS_TOKEN
from app.caller_sources import SCOPE, read_token_cursor
from app.caller_tokens import count_caller_tokens, find_caller_tokens, page_caller_tokens
from app.graphql.execution.context import Info, read_page
from app.graphql.execution.loading import ShownRow, load_row, whole_row
from app.graphql.schema.accounts import Account, load_account
from app.graphql.schema.connections import Connection
from app.graphql.schema.inputs import DateTime
from app.graphql.schema.key_pages import After, Before, First, Last, find_wanted, show_rows
from app.graphql.schema.nodes import Node
from app.graphql.schema.types import Organization, load_organization
from app.graphql.schema.words import TokenScope
from app.query.cursor import write_cursor, write_values
from app.query.face import Face, Field, Kind
from app.query.key_page import KeyPage
from app.query.sql.render import Selection


@strawberry.type(description="An access token, without its text.")
class AccessToken(ShownRow, Node):
    face: ClassVar[Face] = ACCESS_TOKEN
    hidden: ClassVar[Selection] = (
        ("account_id", Field("accountId", "account_id", Kind.ID)),
        ("organization_id", Field("organizationId", "organization_id", Kind.ID)),
    )

    label: str | None = field(description="The label that its maker gave it.")
    scopes: list[TokenScope] = field(description="The rights of the token. Every token may read.")
    created_at: DateTime = field(description="The time when the token was created.")
    expires_at: DateTime | None = field(description="The time when the token expires. Null if it never does.")
    last_used_at: DateTime | None = field(
        description="The time of the last use, up to an hour late. Null for a token that was not used."
    )
    parent_id: strawberry.ID | None = field(
        description="The global id of the token that this one was made with. Revoking that one revokes this one."
    )
    is_current: bool = field(description="True for the token of this request.")
    account_id: strawberry.Private[str | None]
    organization_id: strawberry.Private[str | None]

    @strawberry.field(
        description="The account that the token belongs to. Null for the token of an organization, and for a token of an account "
        "that your token does not belong to."
    )
    async def account(self, info: Info) -> Account | None:
        return await load_account(info, self.account_id)

    @strawberry.field(
        description="The only organization that the token can access. Null for a token of an account, which can access all "
        "of its organizations."
    )
    async def organization(self, info: Info) -> Organization | None:
        return await load_organization(info, self.organization_id) if self.organization_id else None


async def resolve_access_tokens(
    info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
) -> Connection[AccessToken]:
    """A page of tokens, newest first. Raises Malformed for a count below 0 or over 100, and for the cursor of another list."""
    arguments, access = read_page(first, after, last, before), info.context.access
    after_id, before_id = [
        None if cursor is None else read_token_cursor(cursor) for cursor in (arguments.after, arguments.before)
    ]
    page = KeyPage(arguments.limit, after_id, before_id, arguments.backward)
    wanted = find_wanted(info, "AccessTokenConnection")
    bounds = wanted.bounds and (after_id is not None or before_id is not None)
    rows = await page_caller_tokens(access, page, whole_row(AccessToken), bounds=bounds)
    total = await count_caller_tokens(access) if wanted.total else 0
    keyed = [(write_cursor(SCOPE, write_values([row_id])), AccessToken.read(json)) for row_id, json in rows.rows]
    return show_rows(keyed, rows, total)


async def load_access_token(info: Info, token_id: str) -> AccessToken | None:
    """A token by its bare id; None when the token of the request may not manage it."""
    return await load_row(info, AccessToken, find_caller_tokens, token_id)
