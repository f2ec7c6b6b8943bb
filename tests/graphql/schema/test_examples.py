"""The operations in the tabs of GraphiQL run as they stand."""

import pytest
from sqlalchemy import text

from app.demo import prepare_demo
from app.graphql.server.graphiql.page import Example, load_examples
from tests.conftest import Service
from tests.graphql.conftest import Door
from tests.live import served, wire


@pytest.fixture
async def seeded(service: Service) -> Door:
    async with service.database.write() as connection:
        await connection.execute(text("TRUNCATE organizations, accounts CASCADE"))
    demo = await prepare_demo(service.database, service.config.data_dir.parent)
    assert demo is not None
    return Door(service, service.client(demo.token))


async def test_every_example_answers_with_rows_and_without_errors(seeded: Door) -> None:
    examples = load_examples()
    assert len(examples) >= 5
    for example in filter(lambda one: not is_subscription(one), examples):
        await run_example(seeded, example)
    await seeded.http.aclose()


async def test_the_subscription_is_one_that_can_begin(seeded: Door) -> None:
    (example,) = [one for one in load_examples() if is_subscription(one)]
    async with served(seeded.service.app, seeded.service.config) as address, wire(address, demo_token(seeded)) as line:
        payload = {"query": example.query, "variables": {**example.variables, "after": "x"}}
        await line.send("subscribe", "s", {**payload, "operationName": example.name})
        assert (await line.error("s"))[
            "message"
        ] == "Invalid cursor: pass a cursor that this API returned for these changes."


def is_subscription(example: Example) -> bool:
    return "\nsubscription " in example.query


def demo_token(door: Door) -> str:
    return str(door.http.headers["authorization"]).removeprefix("Bearer ")


async def run_example(door: Door, example: Example) -> None:
    answer = (await door.post(example.query, example.variables, operationName=example.name)).json()
    assert "errors" not in answer, (example.name, answer)
    for value in answer["data"].values():
        assert value, example.name
        assert value.get("userErrors", []) == []
        assert value.get("nodes") != []
