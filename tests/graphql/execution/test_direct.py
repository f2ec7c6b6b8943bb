"""Queries whose root fields are rendered are answered without the executor, with the answers that it gives."""

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.graphql.execution.direct import execute_operation
from app.graphql.internals.executor import RenderingExecutor, execute
from app.graphql.server import operations
from app.storage.connection import Connection, compile_statement
from app.storage.database import Database
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi
from tests.graphql.execution.conftest import Executor
from tests.graphql.random_documents import DocumentWriter
from tests.graphql.server.test_deadlines import clients_locked
from tests.graphql.server.test_http import another, send


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chance=st.integers(0, 2**64).map(random.Random))
async def test_direct_answers_are_those_of_the_executor(executor: Executor, chance: random.Random) -> None:
    source = DocumentWriter(chance, wrong=chance.random() < 0.4).query()
    completed, _ = await executor.execute(source)
    errors = [error.formatted for error in completed.errors or []]
    plans: dict[Any, Any] = {}
    for _ in range(3):
        done = await execute_operation(await executor.build(source, plans))
        if isinstance(done, list):
            assert not errors
            assert b"".join((b"{", *done, b"}")) == orjson.dumps(completed.data), source
        else:
            assert orjson.dumps(done.data) == orjson.dumps(completed.data), source
            shown = [error.formatted for error in done.errors or []]
            assert sorted(shown, key=repr) == sorted(errors, key=repr), source


@pytest.mark.parametrize(
    ("source", "direct"),
    [
        ("{ clients { nodes { name } } }", True),
        (f"{{ clients {{ nodes {{ {'x' * 64}: name }} }} }}", False),
        ('{ clients(organizationId: "none") { nodes { name } } }', False),
        ("{ viewer { scopes } clients { totalCount } }", True),
        ("{ nodes(ids: []) { id } clients { totalCount } }", True),
        ("{ __schema { queryType { name } } clients { totalCount } }", False),
    ],
)
async def test_a_query_is_answered_directly_once_it_was_rendered(executor: Executor, source: str, direct: bool) -> None:
    plans: dict[Any, Any] = {}
    done = [isinstance(await execute_operation(await executor.build(source, plans)), list) for _ in range(3)]
    assert done == [False, direct, direct]


@contextmanager
def executor_only(patch: pytest.MonkeyPatch) -> Iterator[None]:
    with patch.context() as patched:
        patched.setattr(operations, "execute_operation", execute)
        yield


@contextmanager
def directly_only(patch: pytest.MonkeyPatch) -> Iterator[None]:
    def fail(executor: RenderingExecutor) -> None:
        raise AssertionError("the executor was used")

    with patch.context() as patched:
        patched.setattr(RenderingExecutor, "execute_operation", fail)
        yield


RENDERED: list[tuple[str, dict[str, Any]]] = [
    ("{ client(id: $ID) { name note } }", {}),
    ("{ customer(id: $ID) { name metadata } }", {}),
    ("{ client(id: $ID, includeDeleted: true) { name } }", {}),
    ("{ none: client(id: 1) { name } client(id: $ID) { name } __typename }", {}),
    ("query($id: ID!) { client(id: $id) { id } }", {"variables": {"id": "$ID"}}),
    ("query($id: ID = $ID) { client(id: $id) { id } }", {}),
    ("query($n: Int! = 1) { clients(first: $n) { nodes { name } totalCount } }", {"variables": {}}),
    ("{ clients { edges { cursor node { id name } } pageInfo { hasNextPage endCursor } } }", {}),
    ("{ customers(first: 0) { t: __typename edges { __typename cursor } pageInfo { __typename startCursor } } }", {}),
    ("{ clients { nodes @skip(if: true) { id } } }", {}),
    ("{ clients(last: 1) { pageInfo { a: endCursor hasPreviousPage } totalCount nodes { id } } }", {}),
    ("{ ...R ... on Query { c: clients { totalCount } } } fragment R on Query { client(id: $ID) { ...C } } "
     "fragment C on Client { city ... @include(if: true) { name } }", {}),
    ("query($y: Boolean!) { client(id: $ID) @skip(if: $y) { id } __typename }", {"variables": {"y": True}}),
    ("query($y: Boolean!) { client(id: $ID) @skip(if: $y) { id } __typename }", {"variables": {"y": False}}),
    ("query A { clients { totalCount } } query B { client(id: $ID) { name } }", {"operationName": "B"}),
    ("{ client(id: $ID) { name } ...R } fragment R on Query { client(id: $ID) { note } }", {}),
    ('{ clients(filter: {name: {eq: "Á"}}, orderBy: [{field: NAME}]) { nodes { name } } }', {}),
    ("{ clients(search: \"no such words\", deleted: INCLUDE) { nodes { name } totalCount } }", {}),
    ("query($t: String!) { __type(name: $t) { name } }", {"variables": {"t": "NoSuchType"}}),
]  # fmt: skip
"""Queries that are answered directly, each with further members of the request. `$ID` is the id of a client."""
COMPLETED: list[tuple[str, dict[str, Any]]] = [
    ('{ clients(organizationId: "none") { nodes { name } } }', {}),
    ('{ client(id: $ID) { name } clients(organizationId: "none") { nodes { name } } }', {}),
    ('{ o: organization { clients(first: 500) { totalCount } } client(id: $ID) { name } }', {}),
    ("{ clients(first: 1000) { totalCount } customers(last: -1) { totalCount } }", {}),
    ('{ clients(after: "broken") { nodes { name } } client(id: $ID) { name } }', {}),
    ("query($n: Int!) { clients(first: $n) { nodes { name } } }", {"variables": {"n": "x"}}),
    ("query($n: Int!) { clients(first: $n) { nodes { name } } }", {"variables": {"n": 101}}),
    ("query($n: Int!) { clients(first: $n) { nodes { name } } }", {}),
    ("query A { clients { totalCount } } query B { client(id: $ID) { name } }", {}),
    ("query($c: String) { clients(after: $c, before: $c) { totalCount } __typename }", {"variables": {"c": "?"}}),
    ("{ __schema { queryType { name } } client(id: $ID) { name } }", {}),
    ("{ __typename @skip(if: true) }", {}),
]  # fmt: skip
"""Queries that the executor completes."""


async def ask(api: GraphQLApi, query: str, more: Mapping[str, Any], client: str) -> httpx.Response:
    text = json.dumps({"query": query, **more}).replace("$ID", client if '"$ID"' in json.dumps(more) else "$ID")
    return await api.post(**json.loads(text.replace("$ID", f'\\"{client}\\"')))


@pytest.mark.parametrize(("query", "more"), RENDERED, ids=lambda value: str(value)[:60])
async def test_a_rendered_query_has_the_answer_of_the_executor(
    executor: Executor, api: GraphQLApi, monkeypatch: pytest.MonkeyPatch, query: str, more: dict[str, Any]
) -> None:
    client = executor.variables["client"]
    with executor_only(monkeypatch):
        completed = await ask(api, query, more, client)
    answers = [await ask(api, query, more, client)]
    with directly_only(monkeypatch):
        answers.append(await ask(api, query, more, client))
    assert "errors" not in completed.json()
    assert [answer.content for answer in answers] == [completed.content] * 2
    assert answers[0].headers["content-type"] == completed.headers["content-type"]


async def test_a_type_is_found_after_one_that_does_not_exist(api: GraphQLApi) -> None:
    """A missing type is null, which needs no executor, and the same document then shows one that exists."""
    query = "query($t: String!) { __type(name: $t) { name } }"
    names = ["NoSuchType", "NoSuchType", "Client", "NoSuchType"]
    answers = [await api.post(query=query, variables={"t": name}) for name in names]
    assert [answer.json()["data"]["__type"] for answer in answers] == [None, None, {"name": "Client"}, None]


@pytest.mark.parametrize(("query", "more"), COMPLETED, ids=lambda value: str(value)[:60])
async def test_any_other_query_has_the_answer_of_the_executor(
    executor: Executor, api: GraphQLApi, monkeypatch: pytest.MonkeyPatch, query: str, more: dict[str, Any]
) -> None:
    client = executor.variables["client"]
    with executor_only(monkeypatch):
        completed = await ask(api, query, more, client)
    answers = [await ask(api, query, more, client) for _ in range(2)]
    assert [answer.content for answer in answers] == [completed.content] * 2
    assert {answer.status_code for answer in answers} == {completed.status_code}


async def test_a_query_with_an_error_runs_no_statement_twice(api: GraphQLApi, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[object] = []
    run = Connection.execute

    async def count(connection: Connection, statement: Any, parameters: Any = None) -> Any:
        if "FROM clients" in compile_statement(statement, None)[0]:
            statements.append(statement)
        return await run(connection, statement, parameters)

    monkeypatch.setattr(Connection, "execute", count)
    query = "query($o: ID) { clients { nodes { name } } customers(organizationId: $o) { nodes { name } } }"
    assert "errors" not in await api.run(query)
    assert len(statements) == 2
    body = await api.run(query, o="none")
    assert [error["path"] for error in body["errors"]] == [["customers"]]
    assert len(statements) == 3


async def test_a_repeated_query_keeps_the_fields_that_are_answered_in_time(
    service: Service, database_url: str, database: Database
) -> None:
    query = {
        "query": "{ __typename a: clients { totalCount } b: clients { nodes { name } } c: client(id: 1) { name } }"
    }
    async with another(service, database, operation_timeout=1.0) as http:
        assert "errors" not in (await send(http, query)).json()
        async with clients_locked(database_url):
            body = (await send(http, query)).json()
    assert body["data"] is None
    assert {error["extensions"]["code"] for error in body["errors"]} == {"TIMEOUT"}
    assert body["errors"][0]["path"] in (["b"], ["c"])


async def test_a_field_in_time_keeps_its_value_beside_one_that_is_not(
    service: Service, database_url: str, database: Database
) -> None:
    query = {"query": '{ a: client(id: "none") { name } b: client(id: "012345678901234567890123") { name } }'}
    async with another(service, database, operation_timeout=0.5) as http:
        assert (await send(http, query)).json()["data"] == {"a": None, "b": None}
        async with clients_locked(database_url):
            body = (await send(http, query)).json()
    assert body["data"] == {"a": None, "b": None}
    assert [(error["path"], error["extensions"]["code"]) for error in body["errors"]] == [(["b"], "TIMEOUT")]


async def test_an_answer_that_is_too_large_has_the_error_of_the_executor(
    executor: Executor, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(service.database.url, answer_cap=4_000)
    query = {"query": f"{{ {' '.join(f'a{index}: client(id: $ID) {{ name note city }}' for index in range(40))} }}"}
    query["query"] = query["query"].replace("$ID", f'"{executor.variables["client"]}"')
    async with another(service, database) as http:
        with executor_only(monkeypatch):
            completed = (await send(http, query)).json()
        assert (await send(http, query)).json()["errors"][0]["extensions"] == completed["errors"][0]["extensions"]
    await database.close()
    assert completed["errors"][0]["extensions"]["code"] == "ANSWER_TOO_LARGE"
