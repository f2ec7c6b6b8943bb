"""The GraphQL API as a front end uses it, and records to ask about."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.clients.repository import ClientRepository
from app.ids import new_id
from tests.conftest import Service

DEFAULTS: Mapping[str, Any] = {"metadata": {}, "custom": {}}
RESOLVED = f"{'x' * 64}: __typename"
"""A field of a record whose name is too long for PostgreSQL, so that the record needs resolvers."""


@dataclass
class GraphQLApi:
    """GraphQL over HTTP with one token."""

    service: Service
    http: httpx.AsyncClient

    async def post(self, query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> httpx.Response:
        """The HTTP response. Lone surrogates are sent as JSON escapes."""
        body = json.dumps({"query": query, "variables": variables, **more})
        return await self.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})

    async def run(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole result."""
        answer: dict[str, Any] = (await self.post(query, variables)).json()
        return answer

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a result without errors."""
        answer = await self.run(query, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def error(self, query: str, **variables: Any) -> dict[str, Any]:
        """The only error of a result."""
        (error,) = (await self.run(query, **variables))["errors"]
        return dict(error)


@pytest.fixture
async def api(service: Service) -> AsyncIterator[GraphQLApi]:
    async with service.client(service.token) as http:
        yield GraphQLApi(service, http)


async def add_records(
    service: Service, rows: Sequence[Mapping[str, Any]], organization: str | None = None
) -> list[str]:
    """Adds records to an organization. Returns their ids, in order."""
    home = organization or service.organization
    made = [{"id": new_id(), "organization_id": home, **DEFAULTS, **row} for row in rows]
    async with service.database.write() as connection:
        await ClientRepository(connection).add(made, "test", ())
    return [str(row["id"]) for row in made]
