"""Texts of 10,000 characters, which do not compress: stored, ordered, paged, compared and found as any other text."""

import random
from typing import Any

import pytest

from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi
from tests.graphql.schema.test_bulk import create
from tests.graphql.schema.test_mutations import CREATE, UPDATE, change, error_fields

LONGEST = 10_000
FIELDS = ("name", "email", "taxNumber")


def noise(seed: int, length: int = LONGEST) -> str:
    """A text of characters with four bytes each, in no order that compresses."""
    return "".join(map(chr, random.Random(seed).choices(range(0x20000, 0x2A6D0), k=length)))


@pytest.mark.parametrize("field", FIELDS)
async def test_every_api_takes_10000_characters(service: Service, api: GraphQLApi, field: str) -> None:
    text = noise(1)
    body = {"name": "x", field: text}
    made = await change(api, CREATE, input=body)
    assert (await change(api, UPDATE, id=made["clientId"], input={field: noise(2)}))["version"] == 2
    there = f"/v1/organizations/{service.organization}/clients"
    in_list = await service.http.post(there, json=[body, {"name": "small"}])
    assert [row[field] for row in in_list.json()] == [text, "small" if field == "name" else None]
    customer = {"name": "x", "tax_number" if field == "taxNumber" else field: text}
    assert (await service.http.post("/customers", json=customer)).status_code == 201
    count = "query($filter: ClientFilter) { clients(filter: $filter) { totalCount } }"
    for condition, expected in (
        ({"eq": text}, 2),
        ({"eq": text[:-1]}, 0),
        ({"in": [text]}, 2),
        ({"startsWith": text[:9_000]}, 2),
    ):
        found = await api.data(count, filter={field: condition})
        assert found["clients"]["totalCount"] == expected, condition


async def test_only_the_row_with_a_longer_text_is_rejected(api: GraphQLApi) -> None:
    rows = [
        {"name": "ok"},
        {"name": noise(1)},
        {"name": noise(2, LONGEST + 1)},
        {"name": "x", "email": "y" * (LONGEST + 1)},
    ]
    results, errors = await create(api, rows, shown="version", policy="REJECT_FAILED")
    assert [client is not None for _, client, _ in results] == [True, True, False, False]
    assert errors == [(["input", "2", "name"], "TOO_LONG"), (["input", "3", "email"], "TOO_LONG")]


PAGE = """
query($after: String, $order: [ClientOrder!]) {
  clients(first: 2, after: $after, orderBy: $order) { nodes { clientId } pageInfo { hasNextPage endCursor } }
}
"""


@pytest.mark.parametrize("field", ["NAME", "EMAIL", "NOTE"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_rows_with_one_beginning_are_paged_by_id(api: GraphQLApi, field: str, direction: str) -> None:
    """Cursors stay short, although the values are long."""
    beginning = noise(3, 9_990)
    ids: list[str] = []
    for ending in ("c", "a", "", "b", "a"):
        body = {"name": "x", field.lower(): beginning + ending}
        ids.append((await change(api, CREATE, input=body))["clientId"])
    for place, text in ((0, "a"), (6, "\U0002ffff")):
        ids.insert(place, (await change(api, CREATE, input={"name": "x", field.lower(): text}))["clientId"])
    shown: list[str] = []
    cursor, more = None, True
    while more:
        page = (await api.data(PAGE, after=cursor, order=[{"field": field, "direction": direction}]))["clients"]
        shown += [node["clientId"] for node in page["nodes"]]
        cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert len(cursor) < 4_000
    assert shown == (ids if direction == "ASC" else ids[::-1])


async def test_long_texts_are_ranked_and_compared(service: Service, api: GraphQLApi) -> None:
    word = noise(4, 700)
    for name in (f"{word}b", word, f"{word[:-1]}x"):
        await change(api, CREATE, input={"name": name, "taxNumber": f"1{word}"})
    there = f"/v1/organizations/{service.organization}/clients/search"
    found = (await service.http.get(there, params={"term": word})).json()
    assert [row["name"] for row in found] == [word, f"{word}b", f"{word[:-1]}x"]
    query = """{ clients(orderBy: [{field: NAME, direction: DESC}], last: 1) { nodes {
        possibleDuplicates { client { name } score reasons } } } }"""
    (node,) = (await api.data(query))["clients"]["nodes"]
    assert len(node["possibleDuplicates"]) == 2
    assert all("SAME_TAX_NUMBER" in duplicate["reasons"] for duplicate in node["possibleDuplicates"])


LARGE: dict[str, Any] = {
    "custom": {"a": ["x" * 9_000] * 12},
    "unitIds": [f"{number:020}" for number in range(5_000)],
    "data": [{"itemId": str(number), "value": "x" * 60} for number in range(1_500)],
}


@pytest.mark.parametrize("field", LARGE)
async def test_a_document_of_more_than_100_kb_is_rejected(service: Service, api: GraphQLApi, field: str) -> None:
    large = [(["input", field], "TOO_LARGE")]
    assert await error_fields(api, CREATE, input={"name": "x", field: LARGE[field]}) == large
    client = (await change(api, CREATE, input={"name": "x"}))["clientId"]
    assert await error_fields(api, UPDATE, id=client, input={field: LARGE[field]}) == large
    there = f"/v1/organizations/{service.organization}/clients"
    name = "_data" if field == "data" else field
    rows = [{"id": row.get("itemId"), **row} for row in LARGE[field]] if field == "data" else LARGE[field]
    for row in rows if field == "data" else ():
        row.pop("itemId")
    answer = await service.http.post(there, json=[{"name": "x"}, {"name": "y", name: rows}])
    (first, second) = answer.json()["error"]["details"]
    assert (answer.status_code, first, second["details"]["codes"]) == (422, None, {name: ["size"]})


async def test_a_long_list_of_the_customers_api_is_bounded_by_its_size(service: Service) -> None:
    accounts = [{"iban": f"SI{number:08}"} for number in range(2_000)]
    answer = await service.http.post("/customers", json={"name": "x", "bank_accounts": accounts})
    assert answer.json()["cause"] == {"bank_accounts": {"_errors": ["is larger than 100 KB as JSON"]}}
    units = [f"u{number}" for number in range(5_000)]
    there = f"/v1/organizations/{service.organization}/clients"
    made = await service.http.post(there, json={"name": "x", "unitIds": units})
    assert (made.status_code, made.json()["unitIds"]) == (200, units)


async def test_the_values_of_one_record_have_at_most_100_kb_together(service: Service, api: GraphQLApi) -> None:
    data = [{"value": "x" * 9_000}] * 7
    body: dict[str, Any] = {"name": "x", "custom": {"a": ["x" * 9_000] * 5}}
    assert (await change(api, CREATE, input=body))["version"] == 1
    assert await error_fields(api, CREATE, input={**body, "data": data}) == [(["input", "data"], "TOO_LARGE")]
    there = f"/v1/organizations/{service.organization}/clients"
    answer = await service.http.post(there, json=[{**body, "_data": data}])
    assert (answer.status_code, answer.json()["error"]["details"][0]["details"]["codes"]) == (422, {"_data": ["size"]})
    texts = {"name": noise(1), "address": noise(2), "city": noise(3)}
    assert (await service.http.post("/customers", json=texts)).json()["cause"].keys() <= texts.keys()
