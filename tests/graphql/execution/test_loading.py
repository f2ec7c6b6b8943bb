"""Batched loading: what happens to a batch when a field beside it fails."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from app.errors import Unavailable
from app.graphql.schema import history, types
from app.organizations.service import get_organizations
from tests.conftest import Service
from tests.graphql.conftest import RESOLVED, GraphQLApi, add_records

RECORDS = 3
NESTED = f"{{ clients {{ nodes {{ {RESOLVED} organization {{ name }} history {{ nodes {{ version }} }} }} }} }}"


async def test_a_failed_field_is_the_error_of_the_response(
    api: GraphQLApi, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_records(service, [{"name": f"Client {number}"} for number in range(RECORDS)])
    loading_began = asyncio.Event()

    async def fail_late(*arguments: Any, **options: Any) -> None:
        await loading_began.wait()
        raise Unavailable("no connection to the database became free")

    async def load_late(*arguments: Any) -> dict[str, str]:
        loading_began.set()
        return await get_organizations(*arguments)

    monkeypatch.setattr(history, "list_histories", fail_late)
    monkeypatch.setattr(types, "get_organizations", load_late)
    response = await api.post(NESTED)
    assert response.status_code == 503
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"


NUMBERS = '{"digits": 123456789012345678901234567890, "exact": 1.50, "large": 1e400, "small": 1e-9}'


@pytest.mark.parametrize("more", ["", RESOLVED], ids=["rendered", "resolved"])
async def test_the_numbers_of_stored_json_keep_their_spelling(api: GraphQLApi, service: Service, more: str) -> None:
    (client,) = await add_records(service, [{"name": "Ana"}])
    async with service.database.write() as connection:
        data = f'[{{"itemId": "1", "name": "n", "value": {NUMBERS}, "options": 1e400}}]'
        stored = {"custom": NUMBERS, "data": data, "metadata": NUMBERS}
        columns = ", ".join(f"{column} = CAST('{value}' AS jsonb)" for column, value in stored.items())
        await connection.execute(text(f"UPDATE clients SET {columns}"))
        expected: str = await connection.scalar(text("SELECT CAST(custom AS text) FROM clients"))
    query = f"query($id: ID!) {{ client(id: $id) {{ custom data {{ value options }} customer {{ metadata {more} }} {more} }} }}"
    response = await api.post(query, {"id": client})
    assert response.text.replace(" ", "").count(expected.replace(" ", "")) == 3
