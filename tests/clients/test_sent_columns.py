"""A creation notes the columns that its caller sent, on every API; an import notes none."""

import pytest

from app.storage.database import Database
from tests.conftest import Service

SENT = "SELECT sent_columns FROM client_changes ORDER BY id"
MUTATION = """
mutation ($input: [CreateClientInput!]!) { createClients(input: $input) { userErrors { message } } }
"""


async def sent_columns(database: Database) -> list[list[str] | None]:
    async with database.read() as connection:
        return [row[0] for row in await connection.driver.fetch(SENT)]


async def test_each_api_notes_the_columns_of_the_body(service: Service) -> None:
    home = f"/v1/organizations/{service.organization}/clients"
    v1 = {"name": "Ann", "taxSubject": False, "_data": [{"name": "a"}], "country": None}
    customer = {"name": "Bo", "contact_type": "buyer", "metadata": {"k": "v"}}
    rows = [{"name": "Cy", "iban": "SI56"}, {"name": "Di", "custom": {}}]
    for path, body in ((home, v1), ("/customers", customer)):
        assert (await service.http.post(path, json=body)).is_success
    answer = await service.http.post("/graphql", json={"query": MUTATION, "variables": {"input": rows}})
    assert answer.json()["data"] == {"createClients": {"userErrors": []}}
    assert await sent_columns(service.database) == [
        ["country", "data", "name", "tax_subject"],
        ["metadata", "name", "type"],
        ["iban", "name"],
        ["custom", "name"],
    ]


@pytest.mark.parametrize("path", ["", "/restore"])
async def test_only_a_creation_notes_columns(service: Service, path: str) -> None:
    made = (await service.http.post("/customers", json={"name": "Ann"})).json()
    own = f"/customers/{made['id']}"
    await service.http.patch(own, json={"city": "Bled"})
    await service.http.delete(own)
    if path:
        await service.http.post(own + path)
    first, *others = await sent_columns(service.database)
    assert first == ["name"]
    assert set(others) == {None}
