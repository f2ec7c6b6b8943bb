"""Reads two pages, writes a client twice, and follows its changes, with the library gql."""

import asyncio
import os
import uuid
from typing import Any

from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

URL = os.environ["SERVICE_URL"] + "/graphql"
HEADERS = {"Authorization": f"Bearer {os.environ['SERVICE_TOKEN']}"}

POSITION = gql("query Position { organization { changesCursor } }")
"""The position after the newest change. Read it before the records that it keeps up to date."""
PAGE = gql("""
query ClientList($first: Int!, $after: String) {
  clients(first: $first, after: $after, orderBy: [{ field: NAME }]) {
    nodes { id name }
    pageInfo { hasNextPage endCursor }
  }
}
""")
CREATE = gql("""
mutation CreateClient($input: CreateClientInput!, $key: String!) {
  createClient(input: $input, idempotencyKey: $key) {
    client { id version }
    userErrors { field message code }
  }
}
""")
UPDATE = gql("""
mutation UpdateClient($id: ID!, $input: UpdateClientInput!, $version: Int!) {
  updateClient(id: $id, input: $input, expectedVersion: $version) {
    client { id city version }
    userErrors { field message code }
  }
}
""")
CHANGES = gql("""
subscription ClientChanges($after: String!) {
  clientChanges(after: $after) { cursor action client { id name } }
}
""")


async def run(session: Any, document: Any, **variables: Any) -> dict[str, Any]:
    """Returns the data. Raises TransportQueryError for errors of the request."""
    document.variable_values = variables
    return dict(await session.execute(document))


async def main() -> None:
    async with Client(transport=HTTPXAsyncTransport(url=URL, headers=HEADERS)) as session:
        start = await run(session, POSITION)
        first = await run(session, PAGE, first=5)
        after = first["clients"]["pageInfo"]["endCursor"]
        second = await run(session, PAGE, first=5, after=after)
        assert not {row["id"] for row in first["clients"]["nodes"]} & {row["id"] for row in second["clients"]["nodes"]}
        print("Two pages have no row in common.")

        rejected = (await run(session, CREATE, input={"name": " "}, key=str(uuid.uuid4())))["createClient"]
        assert rejected["userErrors"][0]["code"] == "BLANK"

        # A request that is sent again with its key is done once.
        variables = {"input": {"name": "gql Ltd", "city": "Celje"}, "key": str(uuid.uuid4())}
        created = (await run(session, CREATE, **variables))["createClient"]["client"]
        assert (await run(session, CREATE, **variables))["createClient"]["client"] == created

        change = {"id": created["id"], "input": {"city": "Koper"}, "version": created["version"]}
        assert (await run(session, UPDATE, **change))["updateClient"]["client"]["city"] == "Koper"
        stale = {**change, "input": {"city": "Kranj"}}
        assert (await run(session, UPDATE, **stale))["updateClient"]["userErrors"][0]["code"] == "STALE_VERSION"
        print("A client was created once and changed once.")

    socket = WebsocketsTransport(
        url=URL.replace("http", "ws", 1),
        init_payload=HEADERS,
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    async with Client(transport=socket) as session:
        # The position was read before the list, so the subscription misses no change of it.
        CHANGES.variable_values = {"after": start["organization"]["changesCursor"]}
        async for event in session.subscribe(CHANGES):
            change = event["clientChanges"]
            assert (change["action"], change["client"]["id"]) == ("CREATED", created["id"])
            break
        print("The subscription continued after the position.")


asyncio.run(main())
