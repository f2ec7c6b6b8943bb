"""The questions: node and nodes, viewer, organization, client, customer, and the two connections."""

from typing import Annotated, Any, cast

import strawberry

from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.clients.service import get_client
from app.errors import NotFound
from app.graphql.execution.context import Info, chosen_organization
from app.graphql.execution.ids import read_id
from app.graphql.execution.loading import make_record, record_plan, whole_record
from app.graphql.schema.arguments import (
    OrganizationArgument,
    argument,
)
from app.graphql.schema.connections import (
    CLIENT_CONNECTION,
    CUSTOMER_CONNECTION,
    Connection,
    ConnectionArguments,
    resolve_connection,
)
from app.graphql.schema.nodes import MOST_NODES, find_node, find_nodes, find_organization
from app.graphql.schema.types import Client, Customer, Node, Organization
from app.graphql.schema.viewer import Viewer, make_viewer
from app.query.face import Face

NODE_IDS = argument(f"The global ids: at most {MOST_NODES}, each as often as you like.")


async def find_record(info: Info, type_: Any, face: Face, bare: str) -> Any:
    """One live record under a face, rendered if it can be; None when it is not to be found."""
    selection = record_plan(info, face)
    chosen = selection if selection is not None else whole_record(face)
    try:
        found = await get_client(info.context.access, bare, chosen)
    except NotFound:
        return None
    return make_record(type_, selection, found.json)


@strawberry.type(description="What can be asked.")
class Query:
    @strawberry.field(description="The record with a global id; null when there is none within reach.")
    async def node(self, info: Info, id: Annotated[strawberry.ID, argument("The global id.")]) -> Node | None:
        return await find_node(info, id)

    @strawberry.field(
        description="The records with these global ids, in the same order; null stands for one that is not within reach."
    )
    async def nodes(self, info: Info, ids: Annotated[list[strawberry.ID], NODE_IDS]) -> list[Node | None]:
        return await find_nodes(info, ids)

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

    @strawberry.field(
        description="The clients of an organization; null when it is not within reach.",
        extensions=[CLIENT_CONNECTION],
    )
    async def clients(
        self, info: Info, arguments: ConnectionArguments, organization_id: OrganizationArgument = None
    ) -> Connection[Client] | None:
        organization = chosen_organization(info, organization_id)
        return await resolve_connection(info, GRAPHQL_CLIENT, Client, organization, arguments) if organization else None

    @strawberry.field(
        description="The customers of an organization; null when it is not within reach.",
        extensions=[CUSTOMER_CONNECTION],
    )
    async def customers(
        self, info: Info, arguments: ConnectionArguments, organization_id: OrganizationArgument = None
    ) -> Connection[Customer] | None:
        organization = chosen_organization(info, organization_id)
        return (
            await resolve_connection(info, GRAPHQL_CUSTOMER, Customer, organization, arguments)
            if organization
            else None
        )
