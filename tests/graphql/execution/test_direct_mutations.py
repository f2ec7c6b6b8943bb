"""Mutations whose payloads are rendered are answered without the executor, with the answers that it gives."""

import re
from typing import Any

import pytest

from app.clients.service import add_clients
from app.graphql.schema.mutations.records import CLIENTS
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi
from tests.graphql.execution.conftest import Executor
from tests.graphql.execution.test_direct import ask, directly_only, executor_only

IDS = re.compile(rb'"[0-9A-Za-z+/=_-]{24,}"')
"""Ids and cursors, which differ between two creations."""

RENDERED: list[tuple[str, dict[str, Any]]] = [
    ('mutation { createClient($ORG, input: {name: "A", custom: {a: 1}}) { client { clientId name custom } } }', {}),
    ('mutation { a: createClient($ORG, input: {name: "A"}) { __typename b: client { name } userErrors { message } } }', {}),
    ("mutation($i: CreateClientInput!) { createClient($ORG, input: $i) { client { name email } customer { metadata } } }",
     {"variables": {"i": {"name": "B", "email": " b@example.com "}}}),
    ("mutation($n: String!) { createClient($ORG, input: {name: $n}) { client { name } } }", {"variables": {"n": "C"}}),
    ("mutation($i: CreateCustomerInput!, $k: String) { createCustomer($ORG, input: $i, idempotencyKey: $k) "
     "{ customerEdge { cursor node { name } } clientEdge { node { id } } } }", {"variables": {"i": {"name": "D"}}}),
    ('mutation { createClient($ORG, input: {name: "A"}) { ...P ... on CreateClientPayload { client { name } } } __typename } '
     "fragment P on CreateClientPayload { client { city } customer { name } }", {}),
    ("mutation($y: Boolean!) { createClient($ORG, input: {name: \"A\"}) { client @include(if: $y) { name } userErrors { code } } }",
     {"variables": {"y": False}}),
    ('mutation { createClient($ORG, input: {name: "H"}) { client { name history { nodes { action } } } } }', {}),
    ('mutation { a: createClient($ORG, input: {name: "A"}) { client { name } } '
     'b: createClient($ORG, input: {name: "B"}) { client { name } } }', {}),
    ('mutation($id: ID!) { updateClient(id: $id, input: {note: "x"}) { client { note } customer { customerId } } }',
     {"variables": {"id": "$ID"}}),
    ('mutation { deleteClient(id: $ID) { deletedClientId client { isDeleted } } restoreClient(id: $ID) { client { name } } }',
     {}),
    ('mutation { upsertClient($ORG, key: {name: "k", value: "1"}, input: {name: "U"}) { created client { name } } }', {}),
]  # fmt: skip
"""Mutations that are answered directly, each with further members of the request. `$ID` is the id of a client, and `$ORG` the
argument with its organization."""
COMPLETED: list[tuple[str, dict[str, Any]]] = [
    ('mutation { createClient($ORG, input: {name: " "}) { client { name } userErrors { field message code } } }', {}),
    (f'mutation {{ createClient($ORG, input: {{name: "A"}}) {{ client {{ {"x" * 64}: name }} }} }}', {}),
    ('mutation { createClients($ORG, input: [{name: "A"}]) { results { client { name } } } }', {}),
    ('mutation { updateClient(id: "none", input: {name: "A"}) { client { name } userErrors { code } } }', {}),
    ('mutation { a: createClient($ORG, input: {name: " "}) { userErrors { code } } '
     'b: createClient($ORG, input: {name: "B"}) { client { name } } }', {}),
    ('mutation { a: createClient($ORG, input: {name: "A"}) { client { name } } '
     'b: createClient($ORG, input: {name: ""}) { userErrors { code } } }', {}),
    ("mutation($n: String!) { createClient($ORG, input: {name: $n}) { client { name } } }", {"variables": {"n": 5}}),
]  # fmt: skip
"""Mutations that the executor completes."""


def in_organization(query: str, service: Service) -> str:
    return query.replace("$ORG", f'organizationId: "{service.organization}"')


@pytest.mark.parametrize(("query", "more"), RENDERED, ids=lambda value: str(value)[:60])
async def test_a_rendered_mutation_has_the_answer_of_the_executor(
    executor: Executor, api: GraphQLApi, monkeypatch: pytest.MonkeyPatch, query: str, more: dict[str, Any]
) -> None:
    client, query = executor.variables["client"], in_organization(query, api.service)
    with executor_only(monkeypatch):
        await ask(api, query, more, client)
        completed = await ask(api, query, more, client)
    answers = [await ask(api, query, more, client)]
    with directly_only(monkeypatch):
        answers.append(await ask(api, query, more, client))
    assert "errors" not in completed.json()
    assert b"message" not in completed.content
    expected = IDS.sub(b"ID", completed.content)
    assert [IDS.sub(b"ID", answer.content) for answer in answers] == [expected] * 2


@pytest.mark.parametrize(("query", "more"), COMPLETED, ids=lambda value: str(value)[:60])
async def test_any_other_mutation_has_the_answer_of_the_executor(
    executor: Executor, api: GraphQLApi, monkeypatch: pytest.MonkeyPatch, query: str, more: dict[str, Any]
) -> None:
    client, query = executor.variables["client"], in_organization(query, api.service)
    with executor_only(monkeypatch):
        completed = await ask(api, query, more, client)
    answers = [await ask(api, query, more, client) for _ in range(3)]
    assert [answer.content for answer in answers] == [completed.content] * 3


async def count_clients(service: Service) -> int:
    async with service.database.read() as connection:
        return int(await connection.driver.fetchval("SELECT count(*) FROM clients"))


async def test_a_repeated_mutation_with_errors_writes_once(api: GraphQLApi, service: Service) -> None:
    """The executor completes what was written. It completes a field before the next one begins."""
    query = """mutation($a: String!, $b: String!) {
        a: createClient($ORG, input: {name: $a}) { client { name } userErrors { code } }
        b: createClient($ORG, input: {name: $b}) { client { name } userErrors { code } }
    }"""
    query = in_organization(query, service)
    before = await count_clients(service)
    shown = []
    for a, b in (("1", "2"), ("3", "4"), (" ", "5"), ("6", " "), (" ", " "), ("7", "8")):
        data = await api.data(query, a=a, b=b)
        shown += [data[key]["client"]["name"] for key in ("a", "b") if data[key]["client"]]
        assert [bool(data[key]["userErrors"]) for key in ("a", "b")] == [not a.strip(), not b.strip()]
    assert shown == list("12345678")
    assert await count_clients(service) == before + 8


async def test_a_mutation_after_a_failed_one_is_executed_as_by_the_executor(
    api: GraphQLApi, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected error of a field, which may not be null, ends the mutation: the next field is not executed."""
    created = 'createClient($ORG, input: {name: "A"}) { client { name } }'
    query = in_organization(f"mutation {{ a: {created} b: {created} }}", service)
    await api.data(query)
    before = await count_clients(service)

    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(CLIENTS, "add_records", fail)
        answer = await api.run(query)
    assert (answer["data"], [error["path"] for error in answer["errors"]]) == (None, [["a"]])
    assert await count_clients(service) == before
    assert CLIENTS.add_records is add_clients
    await api.data(query)
    assert await count_clients(service) == before + 2


async def test_a_literal_input_is_the_same_in_every_execution(api: GraphQLApi) -> None:
    query = 'mutation { createClient($ORG, input: {name: " A ", custom: {a: [1]}}) { client { name custom } } }'
    query = in_organization(query, api.service)
    answers = [await api.data(query) for _ in range(3)]
    assert answers == [{"createClient": {"client": {"name": " A ", "custom": {"a": [1]}}}}] * 3
