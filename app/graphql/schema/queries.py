"""The queries: node and nodes, viewer, organization, client, customer, and the two connections."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, cast

import strawberry
from strawberry import field

from app.caller_sources import VIEWER, show_caller
from app.errors import Malformed
from app.graphql.execution.compiler import compile_bound_rows
from app.graphql.execution.context import Info, choose_organization, read_id, require_organization, split_global_id
from app.graphql.execution.loading import find_record, load_record, make_record, whole_row
from app.graphql.execution.nodes import join_nodes, render_nodes
from app.graphql.internals.operations import Rendered
from app.graphql.schema.access_tokens import AccessToken, load_access_token, resolve_access_tokens
from app.graphql.schema.accounts import Account, load_account
from app.graphql.schema.connections import Connection, ConnectionArguments, resolve_connection
from app.graphql.schema.history import load_change
from app.graphql.schema.inputs import RECORD_ID, OrganizationArgument, argument
from app.graphql.schema.key_pages import After, Before, First, Last
from app.graphql.schema.nodes import Node
from app.graphql.schema.reminders import load_reminder
from app.graphql.schema.types import (
    CLIENT_CONNECTION,
    CUSTOMER_CONNECTION,
    Change,
    Client,
    Customer,
    Organization,
    find_organization,
    load_organization,
)
from app.graphql.schema.webhooks import Webhook, load_delivery, load_webhook
from app.graphql.schema.words import TokenScope
from app.organizations.service import render_organizations

MOST_NODES = 100

RECORDS: Mapping[str, type[Client | Customer]] = {"Client": Client, "Customer": Customer}
"""The record types that have global ids."""

NodeIds = Annotated[
    list[strawberry.ID], argument(f"The global ids: at most {MOST_NODES}. An id may occur more than once.")
]


IncludeDeleted = Annotated[bool, argument("True to find a deleted record, too.")]


async def resolve_account(info: Info) -> Account | None:
    return await load_account(info, info.context.principal.account_id)


async def resolve_organizations(info: Info) -> list[Organization]:
    """The organizations that the token can access, rendered if their selection allows it."""
    selection, access = await compile_bound_rows(info, Organization.face), info.context.access
    chosen = selection if selection is not None else whole_row(Organization)
    rows = await render_organizations(access, access.principal.organizations, chosen)
    return [make_record(Organization, selection, row) for row in rows]


@strawberry.type(description="The account or organization that the token belongs to.")
class Viewer:
    account: Account | None = field(
        resolver=resolve_account, description="The account. Null for a token of an organization."
    )
    scopes: list[TokenScope] = field(description="The rights of the token. Every token may read.")
    organizations: list[Organization] = field(
        resolver=resolve_organizations, description="The organizations that your token can access, oldest first."
    )

    @strawberry.field(
        description="The access tokens that your token may revoke, newest first. A token of an account may revoke those of its "
        "account and environment, and a token of an organization itself and those that were made with it."
    )
    async def access_tokens(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[AccessToken]:
        return await resolve_access_tokens(info, first, after, last, before)


async def show_viewer(info: Info) -> Viewer:
    """The viewer, rendered if its selection allows it."""
    selection = await compile_bound_rows(info, VIEWER)
    if selection is not None:
        return cast("Viewer", Rendered(await show_caller(info.context.access, selection)))
    is_writer = info.context.principal.scope == "write"
    return Viewer(scopes=[TokenScope.READ, TokenScope.WRITE] if is_writer else [TokenScope.READ])


async def find_node(info: Info, global_id: str) -> Node | None:
    """The live record with a global id, rendered if its selection allows it; None when the token can access no such record."""
    rendered = await render_nodes(info, [global_id])
    return await resolve_node(info, global_id) if rendered is None else cast("Node | None", rendered[0])


async def resolve_node(info: Info, global_id: str) -> Node | None:
    """As `find_node`, by the resolvers of its type."""
    type_name, bare = split_global_id(global_id) or ("", "")
    if type_name in RECORDS:
        return await load_record(info, RECORDS[type_name], bare, deleted_too=False)
    if type_name == "Organization":
        return await load_organization(info, bare)
    if type_name == "Change":
        change = await load_change(info, bare)
        return None if change is None else Change.of(*change)
    if type_name == "Reminder":
        return await load_reminder(info, bare)
    if type_name == "Webhook":
        return await load_webhook(info, bare)
    if type_name == "WebhookDelivery":
        return await load_delivery(info, bare)
    if type_name == "AccessToken":
        return await load_access_token(info, bare)
    return await load_account(info, bare) if type_name == "Account" else None


async def find_nodes(info: Info, global_ids: Sequence[str]) -> list[Node | None]:
    """The records in the order of their ids, rendered if their selection allows it. Raises Malformed for more than 100 ids."""
    if len(global_ids) > MOST_NODES:
        raise Malformed(f"`ids` must hold at most {MOST_NODES} ids; got {len(global_ids)}.", "ids")
    rendered = await render_nodes(info, global_ids)
    if rendered is None:
        return list(await asyncio.gather(*(resolve_node(info, global_id) for global_id in global_ids)))
    joined = join_nodes(rendered)
    return cast("list[Node | None]", rendered if joined is None else joined)


@strawberry.type(description="The queries.")
class Query:
    @strawberry.field(
        description="The record with a global id. Null if there is no such record that your token can access."
    )
    async def node(self, info: Info, id: Annotated[strawberry.ID, argument("The global id.")]) -> Node | None:
        return await find_node(info, id)

    @strawberry.field(
        description="The records with these global ids, in the same order. Null stands for a record that your token cannot access."
    )
    async def nodes(self, info: Info, ids: NodeIds) -> list[Node | None]:
        return await find_nodes(info, ids)

    @strawberry.field(description="The account or organization that the token belongs to.")
    async def viewer(self, info: Info) -> Viewer:
        return await show_viewer(info)

    @strawberry.field(description="An organization. Null if there is no such organization that your token can access.")
    async def organization(self, info: Info, id: OrganizationArgument = None) -> Organization | None:
        organization = choose_organization(info, id)
        return await find_organization(info, organization) if organization else None

    @strawberry.field(description="A client. Null if there is no such client that your token can access.")
    async def client(
        self,
        info: Info,
        id: Annotated[strawberry.ID, argument(f"The id of the client: {RECORD_ID}")],
        include_deleted: IncludeDeleted = False,
    ) -> Client | None:
        return await find_record(info, Client, read_id("Client", id), deleted_too=include_deleted)

    @strawberry.field(description="A customer. Null if there is no such customer that your token can access.")
    async def customer(
        self,
        info: Info,
        id: Annotated[strawberry.ID, argument(f"The id of the customer: {RECORD_ID}")],
        include_deleted: IncludeDeleted = False,
    ) -> Customer | None:
        return await find_record(info, Customer, read_id("Customer", id), deleted_too=include_deleted)

    @strawberry.field(
        description="The clients of an organization. The error for one that your token cannot access is NOT_FOUND.",
        extensions=[CLIENT_CONNECTION],
    )
    async def clients(
        self, info: Info, arguments: ConnectionArguments, organization_id: OrganizationArgument = None
    ) -> Connection[Client]:
        return await resolve_connection(info, Client, require_organization(info, organization_id), arguments)

    @strawberry.field(
        description="The customers of an organization. The error for one that your token cannot access is NOT_FOUND.",
        extensions=[CUSTOMER_CONNECTION],
    )
    async def customers(
        self, info: Info, arguments: ConnectionArguments, organization_id: OrganizationArgument = None
    ) -> Connection[Customer]:
        return await resolve_connection(info, Customer, require_organization(info, organization_id), arguments)

    @strawberry.field(description="A webhook. Null if there is no such webhook that your token can access.")
    async def webhook(
        self, info: Info, id: Annotated[strawberry.ID, argument("The id: the global id or 24 hex digits.")]
    ) -> Webhook | None:
        return await load_webhook(info, read_id("Webhook", id))
