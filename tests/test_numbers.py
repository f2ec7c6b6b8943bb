"""Numbers in free-form JSON: one rule on every API and in import, and a number that is shown is read back unchanged."""

import io
import json
import random
import re

import httpx
import pytest

from app.clients.transfer.problems import NotImported
from app.clients.transfer.service import export_clients, import_clients
from app.clients.transfer.sources import JsonRecords
from app.organizations.service import create_organization
from app.query.values import MOST_DIGITS
from app.storage.database import Database
from tests.conftest import Service

SHOWN = [
    ("0", "0"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("7.0", "7"),
    ("7e0", "7"),
    ("0.1", "0.1"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("0.1000000000000000055511151231257827", "0.1"),
    ("1.50", "1.5"),
    ("1e2", "100"),
    ("9007199254740993", "9007199254740993"),
    ("999999999999999999", "999999999999999999"),
    ("-999999999999999999", "-999999999999999999"),
    ("1000000000000000000", "1000000000000000000"),
    ("1000000000000000001", "1000000000000000000"),
    ("1.5e18", "1500000000000000000"),
    ("1500000000000000000", "1500000000000000000"),
    ("9223372036854775807", "9223372036854776000"),
    ("9223372036854775808", "9223372036854776000"),
    ("18446744073709551616", "18446744073709552000"),
    ("12345678901234567890", "12345678901234567000"),
    ("123456789012345678901", "123456789012345680000"),
    ("1e21", "1" + "0" * 21),
    ("1e308", "1" + "0" * 308),
    ("-1.7976931348623157e308", "-17976931348623157" + "0" * 292),
    ("1" + "0" * 308, "1" + "0" * 308),
    ("1e-7", "0.0000001"),
    ("2.5e-20", "0.000000000000000000025"),
    ("5e-324", "0." + "0" * 323 + "5"),
    ("1e-400", "0"),
]
"""Numbers as they are sent, and as they are shown."""
REJECTED = ["1e400", "-1e400", "1.8e308", "1" + "0" * 309, "9" * 500, "9" * 5000]
JSON = {"Content-Type": "application/json"}


NUMBER = re.compile(rb'"n": ?([-+.0-9eE]+)')


def find_number(content: bytes) -> str:
    """The digits of the member `n` as they stand in a response."""
    (number,) = NUMBER.findall(content)
    return str(number, "ascii")


async def send(service: Service, method: str, path: str, text: str) -> httpx.Response:
    content = f'{{"name": "x", "custom": {{"n": {text}}}}}'
    return await service.http.request(method, path, content=content, headers=JSON)


@pytest.mark.parametrize(("sent", "shown"), SHOWN)
async def test_v1_shows_a_number_and_takes_it_back(shared_service: Service, sent: str, shown: str) -> None:
    made = await send(shared_service, "POST", f"/v1/organizations/{shared_service.organization}/clients", sent)
    assert made.status_code == 200, made.text
    assert find_number(made.content) == shown
    path = f"/v1/clients/{made.json()['id']}"
    assert find_number((await shared_service.http.get(path)).content) == shown
    for method in ("PUT", "PATCH"):
        again = await shared_service.http.request(method, path, content=made.content, headers=JSON)
        assert again.status_code == 200, again.text
        assert find_number(again.content) == shown


async def test_data_and_organizations_follow_the_same_rule(shared_service: Service) -> None:
    for sent, shown in SHOWN:
        for name in ("value", "options"):
            content = f'{{"name": "x", "_data": [{{"{name}": [{{"n": {sent}}}]}}]}}'
            path = f"/v1/organizations/{shared_service.organization}/clients"
            made = await shared_service.http.post(path, content=content, headers=JSON)
            assert find_number(made.content) == shown
        changed = await send(shared_service, "PATCH", f"/v1/organizations/{shared_service.organization}", sent)
        assert find_number(changed.content) == shown


CREATE = """
mutation ($c: JSON) { createClient(input: {name: "x", custom: $c}) { client { clientId custom } userErrors { field code } } }
"""
UPDATE = "mutation ($id: ID!, $c: JSON) { updateClient(id: $id, input: {custom: $c}) { client { custom } userErrors { code } } }"
LITERAL = (
    'mutation { createClient(input: {name: "x", custom: {n: %s}}) { client { custom } userErrors { field code } } }'
)


async def ask(service: Service, query: str, variables: str = "{}") -> httpx.Response:
    content = f'{{"query": {json.dumps(query)}, "variables": {variables}}}'
    return await service.http.post("/graphql", content=content, headers=JSON)


@pytest.mark.parametrize(("sent", "shown"), SHOWN)
async def test_graphql_shows_a_number_and_takes_it_back(shared_service: Service, sent: str, shown: str) -> None:
    made = await ask(shared_service, CREATE, f'{{"c": {{"n": {sent}}}}}')
    number = find_number(made.content)
    assert float(number) == float(shown)
    id_ = made.json()["data"]["createClient"]["client"]["clientId"]
    again = await ask(shared_service, UPDATE, f'{{"id": "{id_}", "c": {{"n": {number}}}}}')
    assert find_number(again.content) == number
    assert find_number((await ask(shared_service, LITERAL % sent)).content) == number
    over = await shared_service.http.get(f"/v1/clients/{id_}")
    assert find_number(over.content) == shown


async def test_import_and_export_follow_the_same_rule(shared_service: Service, database: Database) -> None:
    source = await create_organization(database, "Source")
    target = await create_organization(database, "Target")
    lines = [
        f'{{"id": "{index:024x}", "name": "x", "custom": {{"n": {sent}}}}}' for index, (sent, _) in enumerate(SHOWN)
    ]
    await import_clients(database, source, JsonRecords(io.BytesIO("\n".join(lines).encode())))
    exported: list[bytes] = []
    await export_clients(database, source, exported.append)
    assert sorted(map(find_number, exported)) == sorted(shown for _, shown in SHOWN)
    await import_clients(database, target, JsonRecords(io.BytesIO(b"[" + b",".join(exported) + b"]")))


@pytest.mark.parametrize("number", REJECTED)
async def test_a_number_above_the_largest_double_is_rejected_by_every_api(
    shared_service: Service, database: Database, number: str
) -> None:
    path = f"/v1/organizations/{shared_service.organization}/clients"
    answer = await send(shared_service, "POST", path, number)
    assert (answer.status_code, answer.json()["error"]["details"]["codes"]) == (422, {"custom": ["range"]})
    for query, variables in ((CREATE, f'{{"c": {{"n": {number}}}}}'), (LITERAL % number, "{}")):
        body = (await ask(shared_service, query, variables)).json()
        if query != CREATE and len(number) > MOST_DIGITS:
            assert f"at most {MOST_DIGITS} are allowed" in body["errors"][0]["message"]
            continue
        error = {"field": ["input", "custom", "n"], "code": "OUT_OF_RANGE"}
        assert body["data"]["createClient"]["userErrors"] == [error], body
    organization = await create_organization(database, "Import")
    source = JsonRecords(io.BytesIO(f'{{"name": "x", "custom": {{"n": {number}}}}}'.encode()))
    with pytest.raises(NotImported) as rejected:
        await import_clients(database, organization, source)
    assert "out of range" in str(rejected.value)


async def test_random_doubles_survive_v1_and_graphql(shared_service: Service) -> None:
    chance = random.Random(48)
    numbers = [chance.uniform(-1, 1) * 10.0 ** chance.randint(-320, 307) for _ in range(300)]
    content = json.dumps({"name": "x", "custom": numbers})
    path = f"/v1/organizations/{shared_service.organization}/clients"
    made = (await shared_service.http.post(path, content=content, headers=JSON)).json()
    assert [float(number) for number in made["custom"]] == numbers
    query = "query ($id: ID!) { client(id: $id) { custom } }"
    shown = await ask(shared_service, query, json.dumps({"id": made["id"]}))
    assert [float(number) for number in shown.json()["data"]["client"]["custom"]] == numbers
