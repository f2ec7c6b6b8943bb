"""Batched loading: what happens to a batch when a field beside it fails."""

import asyncio
from typing import Any

import pytest

from app.errors import Unavailable
from app.graphql.execution import loading
from app.graphql.schema import history
from app.organizations.repository import Organization
from app.organizations.service import list_accessible_organizations
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

RECORDS = 3
NESTED = "{ clients { nodes { name organization { name } history { nodes { version } } } } }"


async def test_a_failed_field_is_the_error_of_the_response(
    api: GraphQLApi, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_records(service, [{"name": f"Client {number}"} for number in range(RECORDS)])
    loading_began = asyncio.Event()

    async def fail_late(*arguments: Any, **options: Any) -> None:
        await loading_began.wait()
        raise Unavailable("no connection to the database became free")

    async def load_late(*arguments: Any) -> list[Organization]:
        loading_began.set()
        return list(await list_accessible_organizations(*arguments))

    monkeypatch.setattr(history, "list_histories", fail_late)
    monkeypatch.setattr(loading, "list_accessible_organizations", load_late)
    response = await api.post(NESTED)
    assert response.status_code == 503
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
