"""Possible duplicates as a front end sees them: on both faces, with scores and reasons, never of another's house."""

from typing import Any

import pytest
from sqlalchemy import ClauseElement

from app.storage.connection import Connection, compile_statement
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records

ROWS: list[dict[str, Any]] = [
    {"name": "Novák d.o.o.", "email": "info@novak.example", "tax_number": "SI 12345678", "tax_subject": True},
    {"name": "NOVAK DOO", "email": "Info@Novak.example"},
    {"name": "Something else", "tax_number": "si-123.456.78", "city": "Graz"},
    {"name": "Nobody's double"},
]


@pytest.fixture
async def made(service: Service) -> list[str]:
    return await add_records(service, ROWS)


async def test_a_client_lists_its_possible_duplicates(api: GraphQLApi, made: list[str]) -> None:
    query = """
    query($id: ID!) {
      client(id: $id) {
        possibleDuplicates { score reasons client { clientId city organization { name } } }
        plain: possibleDuplicates(first: 1) { client { n: name } }
      }
    }
    """
    found = (await api.data(query, id=made[0]))["client"]
    home = {"name": "Studio Example"}
    scores = [one.pop("score") for one in found["possibleDuplicates"]]
    assert found == {
        "possibleDuplicates": [
            {"reasons": ["SAME_TAX_NUMBER"], "client": {"clientId": made[2], "city": "Graz", "organization": home}},
            {
                "reasons": ["SAME_EMAIL", "SIMILAR_NAME"],
                "client": {"clientId": made[1], "city": None, "organization": home},
            },
        ],
        "plain": [{"client": {"n": "Something else"}}],
    }
    assert scores[0] == 0.95
    assert 0.85 < scores[1] < 0.95


async def test_duplicates_of_a_customer_are_customers(api: GraphQLApi, made: list[str]) -> None:
    query = '{ customers(search: "something") { nodes { possibleDuplicates { score customer { customerId isTaxSubject } } } } }'
    (node,) = (await api.data(query))["customers"]["nodes"]
    customer = {"customerId": f"cust_{made[0]}", "isTaxSubject": True}
    assert node == {"possibleDuplicates": [{"score": 0.95, "customer": customer}]}


async def test_deleted_and_foreign_records_are_not_duplicates(
    api: GraphQLApi, service: Service, made: list[str]
) -> None:
    await add_records(service, ROWS, await service.make_organization("Second", account_email=service.email))
    for one in made[1:3]:
        await api.data("mutation($id: ID!) { deleteClient(id: $id) { client { id } } }", id=one)
    query = "query($id: ID!) { client(id: $id) { possibleDuplicates { score } } }"
    assert (await api.data(query, id=made[0]))["client"] == {"possibleDuplicates": []}


async def test_a_creation_returns_possible_duplicates(api: GraphQLApi, made: list[str]) -> None:
    create = """
    mutation { createClient(input: {name: "X", taxNumber: "SI12345678"}) { client { possibleDuplicates { client { name } } } } }
    """
    client = (await api.data(create))["createClient"]["client"]
    assert [one["client"]["name"] for one in client["possibleDuplicates"]] == ["Novák d.o.o.", "Something else"]


async def test_counts_of_duplicates_out_of_range_are_rejected(api: GraphQLApi, made: list[str]) -> None:
    query = "query($n: Int!) { clients(first: 1) { nodes { possibleDuplicates(first: $n) { score } } } }"
    assert (await api.data(query, n=0))["clients"] == {"nodes": [{"possibleDuplicates": []}]}
    assert len((await api.data(query, n=20))["clients"]["nodes"][0]["possibleDuplicates"]) == 2
    for count in (-1, 21):
        error = await api.error(query, n=count)
        assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": "first"}


@pytest.mark.parametrize("more", ["", f"{'x' * 64}: name"], ids=["rendered", "resolved"])
async def test_duplicates_of_a_page_are_read_in_one_statement(
    api: GraphQLApi, service: Service, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    await add_records(service, [{"name": f"Row {index}", "email": f"{index // 2}@x.example"} for index in range(30)])
    asked: list[str] = []
    execute = Connection.execute

    async def notice(connection: Connection, statement: ClauseElement, *arguments: Any) -> Any:
        if "similarity(" in compile_statement(statement, None)[0]:
            asked.append(compile_statement(statement, None)[0])
        return await execute(connection, statement, *arguments)

    monkeypatch.setattr(Connection, "execute", notice)
    page = await api.data(
        f"{{ clients(first: 30) {{ nodes {{ possibleDuplicates(first: 1) {{ reasons }} {more} }} }} }}"
    )
    first = [node["possibleDuplicates"][0]["reasons"][0] for node in page["clients"]["nodes"]]
    assert (first, len(asked)) == (["SAME_EMAIL"] * 30, 1)
