"""The questions: node, viewer, organization, client, customer, and the two connections."""

from typing import Annotated, Any, cast

import strawberry

from app.accounts.service import account_email
from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.clients.service import get_client
from app.errors import NotFound
from app.graphql.connections import Asked, default_organization, resolve_connection
from app.graphql.context import Info
from app.graphql.ids import read_id, read_organization_id, split_global_id, write_global_id
from app.graphql.inputs import ClientFilter, ClientOrder, CustomerFilter, CustomerOrder
from app.graphql.loading import load_organization, make_record, record_plan, whole_record
from app.graphql.types import Account, Client, Connection, Customer, Node, Organization, Viewer
from app.organizations.service import reach_organizations
from app.query.face import Face


def argument(description: str) -> Any:
    return strawberry.argument(description=description)


ORGANIZATION = argument("The organization, by global or bare id; by default the first created one within reach.")
FIRST = argument("How many rows from the beginning, or after `after`: at most 100; 20 by default.")
AFTER = argument("The cursor of the row before the page.")
LAST = argument("How many rows from the end, or before `before`: at most 100.")
BEFORE = argument("The cursor of the row after the page.")
SEARCH = argument("Words that all occur in some text of the record, without regard to case and accents.")
ORDER_BY = argument("The order, most important step first; it always ends in the id.")
FILTER = argument("Conditions that all hold.")
DELETED = argument("Whether deleted records are listed too.")

FirstArgument = Annotated[int | None, FIRST]
AfterArgument = Annotated[str | None, AFTER]
LastArgument = Annotated[int | None, LAST]
BeforeArgument = Annotated[str | None, BEFORE]
SearchArgument = Annotated[str | None, SEARCH]
DeletedArgument = Annotated[bool | None, DELETED]
OrganizationArgument = Annotated[strawberry.ID | None, ORGANIZATION]
ClientFilterArgument = Annotated[ClientFilter | None, FILTER]
CustomerFilterArgument = Annotated[CustomerFilter | None, FILTER]
ClientOrderArgument = Annotated[list[ClientOrder] | None, ORDER_BY]
CustomerOrderArgument = Annotated[list[CustomerOrder] | None, ORDER_BY]


def chosen_organization(info: Info, given: str | None) -> str | None:
    """The organization within reach that an argument names, or the default; None when there is none."""
    if given is None:
        return default_organization(info.context)
    bare = read_organization_id(given)
    return bare if bare in info.context.principal.organizations else None


async def find_record(info: Info, type_: Any, face: Face, bare: str) -> Any:
    """One live record under a face, rendered if it can be; None when it is not to be found."""
    selection = record_plan(info, face)
    chosen = selection if selection is not None else whole_record(face)
    try:
        found = await get_client(info.context.database, info.context.principal, bare, chosen)
    except NotFound:
        return None
    return make_record(type_, selection, found.json)


async def find_organization(info: Info, bare: str | None) -> Organization | None:
    stored = await load_organization(info.context, bare) if bare else None
    return Organization.of(stored) if stored else None


@strawberry.type(description="What can be asked.")
class Query:
    @strawberry.field(description="The record with a global id; null when there is none within reach.")
    async def node(self, info: Info, id: Annotated[strawberry.ID, argument("The global id.")]) -> Node | None:
        noun, bare = split_global_id(id) or ("", "")
        if noun == "Client":
            return cast("Node | None", await find_record(info, Client, GRAPHQL_CLIENT, bare))
        if noun == "Customer":
            return cast("Node | None", await find_record(info, Customer, GRAPHQL_CUSTOMER, bare))
        if noun == "Organization":
            return await find_organization(info, bare)
        account = (await make_viewer(info)).account if noun == "Account" else None
        return account if account is not None and account.id == id else None

    @strawberry.field(description="Whoever sent the request.")
    async def viewer(self, info: Info) -> Viewer:
        return await make_viewer(info)

    @strawberry.field(description="An organization; null when there is none with this id within reach.")
    async def organization(self, info: Info, id: OrganizationArgument = None) -> Organization | None:
        return await find_organization(info, chosen_organization(info, id))

    @strawberry.field(description="A client; null when there is none with this id within reach.")
    async def client(
        self, info: Info, id: Annotated[strawberry.ID, argument("The global or the bare id.")]
    ) -> Client | None:
        return cast("Client | None", await find_record(info, Client, GRAPHQL_CLIENT, read_id("Client", id)))

    @strawberry.field(description="A customer; null when there is none with this id within reach.")
    async def customer(
        self, info: Info, id: Annotated[strawberry.ID, argument("The global id, or `cust_` and 24 hex digits.")]
    ) -> Customer | None:
        return cast("Customer | None", await find_record(info, Customer, GRAPHQL_CUSTOMER, read_id("Customer", id)))

    @strawberry.field(description="The clients of an organization; null when it is not within reach.")
    async def clients(
        self,
        info: Info,
        organization_id: OrganizationArgument = None,
        first: FirstArgument = None,
        after: AfterArgument = None,
        last: LastArgument = None,
        before: BeforeArgument = None,
        filter: ClientFilterArgument = None,
        search: SearchArgument = None,
        order_by: ClientOrderArgument = None,
        include_deleted: DeletedArgument = None,
    ) -> Connection[Client] | None:
        asked = Asked(
            first=first,
            after=after,
            last=last,
            before=before,
            filter=filter,
            search=search,
            order_by=order_by,
            include_deleted=include_deleted,
        )
        organization = chosen_organization(info, organization_id)
        return await resolve_connection(info, GRAPHQL_CLIENT, Client, organization, asked) if organization else None

    @strawberry.field(description="The customers of an organization; null when it is not within reach.")
    async def customers(
        self,
        info: Info,
        organization_id: OrganizationArgument = None,
        first: FirstArgument = None,
        after: AfterArgument = None,
        last: LastArgument = None,
        before: BeforeArgument = None,
        filter: CustomerFilterArgument = None,
        search: SearchArgument = None,
        order_by: CustomerOrderArgument = None,
        include_deleted: DeletedArgument = None,
    ) -> Connection[Customer] | None:
        asked = Asked(
            first=first,
            after=after,
            last=last,
            before=before,
            filter=filter,
            search=search,
            order_by=order_by,
            include_deleted=include_deleted,
        )
        organization = chosen_organization(info, organization_id)
        return await resolve_connection(info, GRAPHQL_CUSTOMER, Customer, organization, asked) if organization else None


async def make_viewer(info: Info) -> Viewer:
    principal, database = info.context.principal, info.context.database
    email = await account_email(database, principal)
    account = None
    if principal.account_id and email:
        account = Account(id=strawberry.ID(write_global_id("Account", principal.account_id)), email=email)
    stored = await reach_organizations(database, principal)
    scopes = ["read", "write"] if principal.scope == "write" else ["read"]
    return Viewer(account=account, scopes=scopes, organizations=[Organization.of(one) for one in stored])
