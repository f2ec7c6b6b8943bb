"""The cost limit bounds the work of Python: a resolved value costs ten times as much as a rendered one."""

from dataclasses import dataclass
from typing import Any

import pytest

from app.graphql.internals.executor import RenderingExecutor
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi, add_records
from tests.graphql.server.test_http import another
from tests.graphql.worst_documents import KINDS, LONG, Judge, grow, nest, page, repeat

LIMIT = 5_000
"""A tenth of the default, so that the test is short."""
MOST_SCHEMA_VALUES = 10 * LIMIT
"""The values of introspection are in memory, so each takes less time."""
ROWS = [{"name": f"Client {index}", "custom": {"a": [index]}} for index in range(100)]


@dataclass
class Work:
    """The number of values that Python completed."""

    values: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    counted, complete = Work(), RenderingExecutor.complete_value

    def count(*arguments: Any) -> Any:
        counted.values += 1
        return complete(*arguments)

    monkeypatch.setattr(RenderingExecutor, "complete_value", count)
    return counted


async def cost_of(api: GraphQLApi, query: str, **variables: Any) -> int:
    return int((await api.run(query, **variables))["extensions"]["cost"]["requested"])


@pytest.mark.parametrize(
    ("rendered", "record"),
    [
        ("{ clients(first: 5) { nodes { id NAME } } }", 10 + 1 + 5 * 2),
        ("{ clients(first: 5) { edges { node { id NAME } } } }", 10 + 1 + 5 * 3),
        ("{ client(id: 1) { id NAME } }", 3),
        ("{ node(id: 1) { ... on Customer { NAME } } }", 2),
        ("mutation { deleteClient(id: 1) { client { id NAME } } }", 3),
        ("{ ...F } fragment F on Query { a: client(id: 1) { ...G } } fragment G on Client { id NAME }", 3),
    ],
)
async def test_a_record_that_is_resolved_costs_ten_times_as_much(api: GraphQLApi, rendered: str, record: int) -> None:
    plain = await cost_of(api, rendered.replace("NAME", "name"))
    assert await cost_of(api, rendered.replace("NAME", f"{LONG}: name")) == plain + 9 * record


async def test_each_execution_is_judged_by_its_own_variables(api: GraphQLApi) -> None:
    query = """query($n: Int, $long: Boolean = false) {
      clients(first: 2) { nodes { name history(first: $n) { nodes { action } } LONG: name @include(if: $long) } }
    }""".replace("LONG", LONG)
    for _ in range(2):
        plain = await cost_of(api, query, n=2)
        assert await cost_of(api, query, n=2, long=True) == 10 * plain
        assert await cost_of(api, query, n=101) > 9 * plain, "a wrong argument needs the resolver"
        assert await cost_of(api, query, n=2) == plain


async def test_many_levels_of_resolved_faces_are_too_expensive(api: GraphQLApi) -> None:
    error = await api.error(page(repeat(12, nest(20, "name")) + f" {LONG}: name"))
    assert error["extensions"]["code"] == "COST_LIMIT_EXCEEDED"
    assert (await api.data(page(repeat(12, nest(20, "name")))))["clients"] == {"nodes": []}


@pytest.mark.parametrize("kind", KINDS)
async def test_the_limit_bounds_the_values_that_python_completes(service: Service, work: Work, kind: str) -> None:
    await add_records(service, ROWS)
    query = await grow(KINDS[kind], Judge(service.database, service.config, service.token).find_cost, LIMIT)
    work.values = 0
    async with another(service, service.database, cost_limit=LIMIT) as http:
        body = (await http.post("/graphql", json={"query": query})).json()
    assert body["data"], body
    assert work.values <= (MOST_SCHEMA_VALUES if "__schema" in query else LIMIT)
