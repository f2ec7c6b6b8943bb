"""Costs of operations: known ones, the effect of the page size, and their place in the result."""

from typing import Any

import pytest
from graphql import get_introspection_query
from hypothesis import given
from hypothesis import strategies as st

from app.graphql.execution.context import DEFAULT_PAGE, LARGEST_PAGE
from app.graphql.schema.schema import core_schema
from app.graphql.server import costs
from app.graphql.server.documents import Documents
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi
from tests.graphql.server.test_http import another

DOCUMENTS = Documents(core_schema(), introspection=True)


def cost(source: str, **variables: Any) -> int:
    document = DOCUMENTS.find(source)
    assert document.errors == []
    (operation,) = document.operations()
    return document.cost(operation, variables)


KNOWN: list[tuple[str, dict[str, Any], int]] = [
    ("{ __typename }", {}, 1),
    ("{ client(id: 1) { id name } }", {}, 1 + 2),
    ("{ clients { totalCount } }", {}, 10 + 1),
    ("{ clients { nodes { id name } } }", {}, 10 + 1 + 20 * 2),
    ("{ clients(first: 3) { nodes { id name } } }", {}, 10 + 1 + 3 * 2),
    ("{ clients(last: 3) { edges { cursor node { id name } } } }", {}, 10 + 1 + 3 * (1 + 1 + 2)),
    ("{ clients(first: 0) { nodes { id } pageInfo { hasNextPage } } }", {}, 10 + 1 + 1 + 1),
    ("{ clients(first: 100) { nodes { customer { client { name } } } } }", {}, 10 + 1 + 100 * (1 + 1 + 1)),
    ("{ clients(first: 2000) { nodes { id } } }", {}, 10 + 1 + 100),
    ("{ clients(first: -5) { nodes { id } } }", {}, 10 + 1),
    ("{ clients(first: null) { nodes { id } } }", {}, 10 + 1 + 20),
    ("query($n: Int) { clients(first: $n) { nodes { id } } }", {}, 10 + 1 + 20),
    ("query($n: Int) { clients(first: $n) { nodes { id } } }", {"n": 7}, 10 + 1 + 7),
    ("query($n: Int) { clients(first: $n) { nodes { id } } }", {"n": None}, 10 + 1 + 20),
    ("query($n: Int) { clients(first: $n) { nodes { id } } }", {"n": "x"}, 10 + 1 + 20),
    ("query($n: Int) { clients(first: $n) { nodes { id } } }", {"n": True}, 10 + 1 + 20),
    ("query($n: Int = 50) { clients(first: $n) { nodes { id } } }", {}, 10 + 1 + 50),
    ("query($n: Int, $m: Int) { clients(first: $n, last: $m) { nodes { id } } }", {"m": 4}, 10 + 1 + 4),
    ("{ viewer { organizations { id name } } }", {}, 1 + 1 + 10 * 2),
    ("{ a: clients(first: 5) { nodes { ...F } } } fragment F on Client { id name ...G } fragment G on Client { city }", {}, 26),
    ("{ node(id: 1) { id ... on Client { name } ... on Customer { name city } } }", {}, 1 + 1 + 1 + 2),
    ("{ clients(first: 5) { nodes { id @skip(if: true) } } }", {}, 10 + 1 + 5),
    ('mutation { createClient(input: {name: "x"}) { client { id } userErrors { code } } }', {}, 10 + 1 + 1 + 1 + 10),
    ("mutation { ...M } fragment M on Mutation { deleteClient(id: 1) { client { id } } }", {}, 10 + 1 + 1),
    ("query($f: ClientFilter) { clients(filter: $f) { totalCount } }", {"f": {"name": {"in": ["x"] * 97}}}, 10 + 10 + 1),
    (f"{{ clients(filter: {{name: {{in: [{'x '.replace('x', chr(34) * 2) * 97}]}}}}) {{ totalCount }} }}", {}, 10 + 10 + 1),
    ('mutation($u: [String!]) { createClient(input: {name: "x", unitIds: $u}) { userErrors { code } } }',
     {"u": ["x"] * 27}, 10 + 3 + 1 + 27),
]  # fmt: skip


@pytest.mark.parametrize(("source", "variables", "expected"), KNOWN)
def test_known_operations_cost_what_the_formula_says(source: str, variables: dict[str, Any], expected: int) -> None:
    assert cost(source, **variables) == expected


def test_introspection_costs_what_it_shows() -> None:
    types = len(core_schema().type_map)
    assert cost("{ __schema { types { name } } a: __typename }") == 100 + int(1.5 * (1 + types)) + 1
    assert cost('{ __type(name: "Client") { name kind } }') == 103
    assert 5_000 < cost(get_introspection_query(input_value_deprecation=True)) < 30_000
    names = " ".join(f"a{number}: name" for number in range(400))
    assert cost(f"{{ __schema {{ types {{ fields {{ args {{ {names} }} }} }} }} }}") > 50_000


def test_page_sizes_are_those_of_the_connections() -> None:
    assert (costs.DEFAULT_PAGE, costs.MAX_PAGE) == (DEFAULT_PAGE, LARGEST_PAGE)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(1, 30))
def test_a_larger_page_costs_more_and_a_smaller_selection_costs_less(small: int, more: int, fields: int) -> None:
    names = " ".join(f"a{number}: name" for number in range(fields))
    page = "query($n: Int) { clients(first: $n) { nodes { NAMES customer { id } } } }".replace("NAMES", names)
    less, whole = cost(page, n=small), cost(page, n=min(small + more, 100))
    assert whole - less == (min(small + more, 100) - small) * (fields + 2)
    assert cost(page.replace("customer { id }", ""), n=small) <= less


async def test_every_result_states_its_cost(api: GraphQLApi) -> None:
    page = "query($n: Int!) { clients(first: $n) { nodes { id } } }"
    expected_costs: list[tuple[str, dict[str, Any], int | None]] = [
        (page, {"n": 3}, 14),
        ("{ clients(first: 101) { nodes { id } } }", {}, 111),
        (page, {"n": "wrong"}, 31),
        ("{ nothing }", {}, None),
        ("{", {}, None),
    ]
    for source, variables, expected in expected_costs:
        answer = await api.run(source, **variables)
        assert answer["extensions"] == {"cost": {"requested": expected, "limit": 50_000}}, source


async def test_a_node_costs_as_much_as_the_client_with_its_id(api: GraphQLApi) -> None:
    """Relay continues a list by the `node` that holds it, after a cursor that names the client."""
    create = 'createClient(input: {name: "Ana"}) { client { id history { edges { cursor } } } }'
    created = await api.data(f"mutation {{ {create} }}")
    client = created["createClient"]["client"]
    variables = {"id": client["id"], "after": client["history"]["edges"][0]["cursor"]}
    history = "history(first: 5, after: $after) { nodes { action } }"
    by_type, by_node = [
        await api.run(f"query($id: ID!, $after: String!) {{ {field} }}", **variables)
        for field in (f"client(id: $id) {{ {history} }}", f"node(id: $id) {{ ... on Client {{ {history} }} }}")
    ]
    assert by_node["data"]["node"] == by_type["data"]["client"] == {"history": {"nodes": []}}
    assert by_node["extensions"] == by_type["extensions"]
    literal = history.replace("$after", f'"{variables["after"]}"')
    by_nodes = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Client {{ {literal} }} }} }}"
    for ids, expected in (([client["id"]] * 2, 10 * (10 + 2 * 16)), ([client["id"]], 10 + 16)):
        assert await cost_of(api, by_nodes, ids=ids) == expected


async def cost_of(api: GraphQLApi, source: str, **variables: Any) -> int:
    return int((await api.run(source, **variables))["extensions"]["cost"]["requested"])


def org_lists(count: int, arguments: str = "") -> str:
    return (
        "{ organization { "
        + " ".join(f"a{n}: clients(first: 1{arguments}) {{ totalCount }}" for n in range(count))
        + " } }"
    )


FREE, LIST = 2_000, 250 + 5
"""The work that costs nothing, and that of a list with its total."""
WRITTEN: list[tuple[str, dict[str, Any], int]] = [
    ("{ clients(first: 0) { nodes { ...F } } } fragment F on Client { "
     + " ".join(f"a{n}: note" for n in range(400)) + " }", {}, 10 + 1 + 250 + 50 + 400 * 5 - FREE),
    (org_lists(7), {}, 1 + 7 * 11),
    (org_lists(10), {}, 1 + 10 * 11 + 50 + 10 * LIST - FREE),
    (org_lists(20, ', search: "x", orderBy: [{field: NAME}]'), {},
     1 + 20 * 11 + 50 + 20 * (LIST + 2 * 50 + 20) - FREE),
    ("query($f: ClientFilter) { a: clients(filter: $f) { totalCount } b: clients(filter: $f) { totalCount } }",
     {"f": {"or": [{"name": {"eq": "x"}}] * 50}}, 2 * (10 + 1 + 15) + 2 * (LIST + 50 + 20 * 101) - FREE),
    ("{ clients(first: 0) { nodes { possibleDuplicates { score } customer { possibleDuplicates { score } } } } }", {},
     10 + 1 + 250 + 50 * 2 + 2 * (1_600 + 5) - FREE),
    ("{ clients(first: 0) { nodes { history(first: 9) { nodes { before after changes { field } } } } } }", {}, 10 + 1),
]  # fmt: skip


@pytest.mark.parametrize(("source", "variables", "expected"), WRITTEN)
def test_long_statements_cost_their_length_whatever_the_number_of_rows(
    source: str, variables: dict[str, Any], expected: int
) -> None:
    assert cost(source, **variables) == expected


def test_usual_pages_cost_nothing_for_their_statement() -> None:
    fields = "id name email contact note address zip city country taxNumber iban bank phone website createdAt updatedAt"
    inside = (
        "organization { id name } customer { customerId metadata } history(first: 2) { nodes { action at version } }"
    )
    page = f"{{ clients(first: 100, orderBy: [{{field: NAME}}]) {{ totalCount edges {{ cursor node {{ {fields} {inside} }} }} }} }}"
    assert cost(page) == 10 + 2 + 100 * (2 + 16 + 3 + 3 + 10 + 1 + 2 * 3)
    assert cost(page) < 50_000 / 10


EXPENSIVE = "{ clients(first: 100) { nodes { a: PART b: PART c: customer { id name } } } }".replace(
    "PART", "customer { id name city }"
)


async def test_an_operation_over_the_limit_is_not_executed(service: Service) -> None:
    async with another(service, service.database, cost_limit=1000) as http:
        for accept, status in (("application/json", 200), ("application/graphql-response+json", 400)):
            answer = await http.post("/graphql", json={"query": EXPENSIVE}, headers={"Accept": accept})
            (error,) = answer.json()["errors"]
            assert (answer.status_code, error["extensions"]) == (status, {"code": "COST_LIMIT_EXCEEDED", "limit": 1000})
            assert answer.json()["extensions"] == {"cost": {"requested": 1111, "limit": 1000}}
            assert "data" not in answer.json()
        cheaper = await http.post("/graphql", json={"query": EXPENSIVE.replace("100", "10")})
        assert cheaper.json()["data"] == {"clients": {"nodes": []}}
