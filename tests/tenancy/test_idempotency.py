"""Idempotency keys: nobody gets the answer that is stored for the same key of another owner, on any API."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import Service
from tests.tenancy.probes import fill
from tests.tenancy.world import Caller, World


@pytest.fixture
async def world(service: Service) -> World:
    return await World.make(service)


LIVE = "/v1/organizations/<organization>/clients"
KEYED = '{name: "Keyed"}'
CREATES: Mapping[str, tuple[str, Any]] = {
    "v1": (LIVE, {"name": "Keyed"}),
    "v1 list": (LIVE, [{"name": "Keyed"}]),
    "customers": ("/customers", {"name": "Keyed"}),
    "createClient": ("/graphql", f'createClient(input: {KEYED}, idempotencyKey: "key") {{ client {{ id }} }}'),
    "createClients": (
        "/graphql",
        f'createClients(input: [{KEYED}], idempotencyKey: "key") {{ results {{ client {{ id }} }} }}',
    ),
    "upsertClient": (
        "/graphql",
        f'upsertClient(key: {{name: "erp", value: "1"}}, input: {KEYED}, idempotencyKey: "key") {{ created client {{ id }} }}',
    ),
    "upsertCustomers": (
        "/graphql",
        'upsertCustomers(input: [{key: {name: "erp", value: "1"}, name: "Keyed"}], idempotencyKey: "key") '
        "{ results { created customer { id } } }",
    ),
    "createCustomer": ("/graphql", f'createCustomer(input: {KEYED}, idempotencyKey: "key") {{ customer {{ id }} }}'),
}


@pytest.mark.parametrize("name", CREATES)
async def test_nobody_gets_the_stored_answer_of_another_owner(world: World, name: str) -> None:
    path, body = CREATES[name]
    callers = [Caller("owner", world.owner.token, world.owner.ids), *await world.foreign_callers()]
    answers: dict[str, str] = {}
    for caller in callers:
        if not caller.valid or "read-only" in caller.name:
            continue
        content = {"query": f"mutation {{ {body} }}"} if isinstance(body, str) else body
        async with world.service.client(caller.token) as http:
            target = fill(path, {"organization": caller.ids["organization"]})
            sent = [await http.post(target, json=content, headers={"idempotency-key": "key"}) for _ in range(2)]
        assert sent[0].status_code in (200, 201), sent[0].text
        assert sent[0].text == sent[1].text
        answers[caller.name] = sent[0].text
    assert len(set(answers.values())) == len(answers), answers
