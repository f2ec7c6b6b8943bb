"""Many clients at once: all or the good ones, a result for each row, one statement, and a key that does it once."""

from typing import Any

import pytest
from sqlalchemy import text

from app.auth import Scope
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

CREATE = """
mutation($input: [CreateClientInput!]!, $policy: ErrorPolicy! = REJECT_ALL, $key: String, $of: ID) {
  createClients(input: $input, errorPolicy: $policy, idempotencyKey: $key, organizationId: $of) {
    results { index client { %s } userErrors { field code } }
    userErrors { field message code }
  }
}
"""
MIXED: list[dict[str, Any]] = [
    {"name": "Ana"},
    {"name": ""},
    {"name": "Bo", "countryAlpha2Code": "ZZ"},
    {"name": "Cy", "zip": None},
]
WRONG = [(["input", "1", "name"], "BLANK"), (["input", "2", "countryAlpha2Code"], "INVALID_COUNTRY_CODE")]


async def create(
    api: GraphQLApi, rows: Any, *, shown: str = "name version", **variables: Any
) -> tuple[list[Any], list[Any]]:
    """(index, client and errors of each row; field and code of all errors)."""
    made = (await api.data(CREATE % shown, input=rows, **variables))["createClients"]
    results = [(one["index"], one["client"], errors(one)) for one in made["results"]]
    return results, errors(made)


def errors(given: dict[str, Any]) -> list[tuple[list[str] | None, str]]:
    return [(one["field"], one["code"]) for one in given["userErrors"]]


async def total(api: GraphQLApi) -> int:
    return int((await api.data("{ clients { totalCount } }"))["clients"]["totalCount"])


async def test_all_rows_are_created_in_their_order(api: GraphQLApi, service: Service) -> None:
    rows = [{"name": f"Row {index:03}", "custom": {"n": index}} for index in range(300)]
    results, wrong = await create(api, rows, shown="name version custom taxSubject")
    assert wrong == []
    assert results == [
        (index, {"name": row["name"], "version": 1, "custom": row["custom"], "taxSubject": False}, [])
        for index, row in enumerate(rows)
    ]
    listed = (await api.data("{ clients(first: 100) { totalCount nodes { name } } }"))["clients"]
    assert listed == {"totalCount": 300, "nodes": [{"name": row["name"]} for row in rows[:100]]}
    async with service.database.read() as connection:
        logged = (await connection.execute(text("SELECT count(*), count(DISTINCT at) FROM client_changes"))).one()
    assert tuple(logged) == (300, 1)


async def test_an_invalid_row_rejects_all_rows_or_only_itself(api: GraphQLApi) -> None:
    results, wrong = await create(api, MIXED)
    assert wrong == WRONG
    assert results == [(0, None, []), (1, None, WRONG[:1]), (2, None, WRONG[1:]), (3, None, [])]
    assert await total(api) == 0
    results, wrong = await create(api, MIXED, policy="REJECT_FAILED")
    assert wrong == WRONG
    first, last = ({"name": name, "version": 1} for name in ("Ana", "Cy"))
    assert results == [(0, first, []), (1, None, WRONG[:1]), (2, None, WRONG[1:]), (3, last, [])]
    assert await total(api) == 2


async def test_an_empty_list_and_invalid_rows_create_nothing(api: GraphQLApi) -> None:
    assert await create(api, []) == ([], [])
    assert await create(api, [{"name": ""}], policy="REJECT_FAILED") == (
        [(0, None, [(["input", "0", "name"], "BLANK")])],
        [(["input", "0", "name"], "BLANK")],
    )
    assert await total(api) == 0


async def test_more_than_a_thousand_rows_are_rejected(api: GraphQLApi) -> None:
    assert await create(api, [{"name": "x"}] * 1001) == ([], [(["input"], "TOO_LONG")])
    results, wrong = await create(api, [{"name": "x"}] * 1000)
    assert (len(results), wrong, await total(api)) == (1000, [], 1000)


async def test_rows_with_an_idempotency_key_are_created_once(api: GraphQLApi) -> None:
    first = await create(api, MIXED, policy="REJECT_FAILED", key="k", shown="id name")
    assert await create(api, MIXED, policy="REJECT_FAILED", key="k", shown="id name") == first
    for other in ({"rows": MIXED[:2], "policy": "REJECT_FAILED"}, {"rows": MIXED[:1], "policy": "REJECT_ALL"}):
        assert await create(api, **other, key="k", shown="id name") == (
            [],
            [(["idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")],
        )
    assert await total(api) == 2


async def test_rows_that_are_all_rejected_do_not_use_the_key(api: GraphQLApi) -> None:
    assert (await create(api, MIXED, key="k"))[1] == WRONG
    results, wrong = await create(api, [{"name": "Ana"}], key="k")
    assert (results[0][1], wrong) == ({"name": "Ana", "version": 1}, [])


async def test_a_stored_response_is_deleted_when_one_of_its_rows_is_erased(api: GraphQLApi) -> None:
    rows = [{"name": "Ana"}, {"name": "Bo"}]
    await create(api, rows, key="k", shown="name")
    key = (await api.data("{ customers { nodes { customerId } } }"))["customers"]["nodes"][1]["customerId"]
    erase = "mutation($id: ID!) { permanentlyDeleteCustomer(id: $id) { userErrors { code } } }"
    assert (await api.data(erase, id=key))["permanentlyDeleteCustomer"] == {"userErrors": []}
    assert await create(api, rows, key="k", shown="name") == ([], [(["idempotencyKey"], "NOT_FOUND")])


async def test_fields_that_need_a_resolver_are_resolved_in_each_row(api: GraphQLApi) -> None:
    results, _ = await create(
        api, [{"name": "Ana"}, {"name": "Bo"}], shown="name customer { name } organization { name }"
    )
    assert [client for _, client, _ in results] == [
        {"name": name, "customer": {"name": name}, "organization": {"name": "Studio Example"}} for name in ("Ana", "Bo")
    ]


@pytest.mark.parametrize("rows", [MIXED[:1], [], [{"name": ""}]])
async def test_a_missing_permission_and_a_foreign_organization_are_errors(
    api: GraphQLApi, service: Service, rows: Any
) -> None:
    foreign = await service.make_organization("Foreign Studio")
    await add_records(service, [{"name": "Theirs"}], foreign)
    assert await create(api, rows, of=foreign) == ([], [(["organizationId"], "NOT_FOUND")])
    async with service.client(await service.make_token(account_email=service.email, scope=Scope.READ)) as http:
        assert await create(GraphQLApi(service, http), rows) == ([], [(None, "READ_ONLY_TOKEN")])
