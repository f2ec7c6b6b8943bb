"""Nodes: a record of any type by its global id, all that one operation asks for loaded together."""

import asyncio
from collections.abc import Sequence
from typing import cast

from app.clients.faces import GRAPHQL_CLIENT, GRAPHQL_CUSTOMER
from app.errors import Malformed
from app.graphql.execution.context import Info
from app.graphql.execution.ids import split_global_id
from app.graphql.execution.loading import load_organization, load_record
from app.graphql.schema.types import Client, Customer, Node, Organization
from app.graphql.schema.viewer import find_account

MOST_NODES = 100


async def find_node(info: Info, given: str) -> Node | None:
    """The live record with a global id, or None when there is none within reach."""
    noun, bare = split_global_id(given) or ("", "")
    if noun == "Client":
        return cast("Node | None", await load_record(info, Client, GRAPHQL_CLIENT, bare, deleted_too=False))
    if noun == "Customer":
        return cast("Node | None", await load_record(info, Customer, GRAPHQL_CUSTOMER, bare, deleted_too=False))
    if noun == "Organization":
        return await find_organization(info, bare)
    account = await find_account(info) if noun == "Account" else None
    return account if account is not None and account.id == given else None


async def find_nodes(info: Info, given: Sequence[str]) -> list[Node | None]:
    """The records in the order of their ids. Raises Malformed for more than 100 of them."""
    if len(given) > MOST_NODES:
        raise Malformed(f"Ask for at most {MOST_NODES} nodes at once, not {len(given)}", "ids")
    return list(await asyncio.gather(*(find_node(info, one) for one in given)))


async def find_organization(info: Info, bare: str | None) -> Organization | None:
    stored = await load_organization(info.context, bare) if bare else None
    return Organization.of(stored) if stored else None
