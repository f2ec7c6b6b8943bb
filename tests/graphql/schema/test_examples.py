"""The operations in the tabs of GraphiQL run as they stand."""

import pytest
from sqlalchemy import text

from app.demo import prepare_demo
from app.graphql.server.graphiql.page import Example, load_examples
from tests.conftest import Service
from tests.graphql.conftest import GraphQLApi
from tests.live_server import connected_client, served


@pytest.fixture
async def seeded(service: Service) -> GraphQLApi:
    async with service.database.write() as connection:
        await connection.execute(text("TRUNCATE organizations, accounts CASCADE"))
    demo = await prepare_demo(service.database, service.config.data_dir.parent)
    assert demo is not None
    return GraphQLApi(service, service.client(demo.token))


async def test_every_example_returns_rows_and_no_errors(seeded: GraphQLApi) -> None:
    examples = load_examples()
    assert len(examples) >= 5
    for example in filter(lambda one: not is_subscription(one), examples):
        await run_example(seeded, example)
    await seeded.http.aclose()


async def test_the_example_subscription_can_begin(seeded: GraphQLApi) -> None:
    (example,) = [one for one in load_examples() if is_subscription(one)]
    async with (
        served(seeded.service.app, seeded.service.config) as address,
        connected_client(address, demo_token(seeded)) as line,
    ):
        payload = {"query": example.query, "variables": {**example.variables, "after": "x"}}
        await line.send("subscribe", "s", {**payload, "operationName": example.name})
        assert (await line.error("s"))[
            "message"
        ] == "Invalid cursor: pass a cursor that this API returned for these changes."


def is_subscription(example: Example) -> bool:
    return "\nsubscription " in example.query


def demo_token(api: GraphQLApi) -> str:
    return str(api.http.headers["authorization"]).removeprefix("Bearer ")


async def run_example(api: GraphQLApi, example: Example) -> None:
    answer = (await api.post(example.query, example.variables, operationName=example.name)).json()
    assert "errors" not in answer, (example.name, answer)
    for value in answer["data"].values():
        assert value, example.name
        assert value.get("userErrors", []) == []
        assert value.get("nodes") != []
