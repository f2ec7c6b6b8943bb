"""No write leaves the search text stale: after a write through any API, a search finds the new value of every searched field."""

from collections.abc import AsyncIterator, Callable, Mapping
from itertools import count
from typing import Any

from app.clients.faces import CUSTOMER, GRAPHQL_CLIENT, GRAPHQL_CUSTOMER, V1
from app.query.face import Face
from app.storage.tables import SEARCHED_DOCUMENTS, SEARCHED_TEXTS
from tests.conftest import Service

SHAPES: Mapping[str, Callable[[str], Any]] = {
    "email": lambda word: f"{word}@clients.example",
    "metadata": lambda word: {"key": word},
    "custom": lambda word: {"outer": [{"inner": word}]},
    "bank_accounts": lambda word: [{"type": "iban", "iban": word}],
}
GRAPHQL_SHAPES: Mapping[str, Callable[[str], Any]] = {
    **SHAPES,
    "bank_accounts": lambda word: [{"type": "IBAN", "iban": word}],
}
NUMBERS = count()


def words_for(face: Face) -> dict[str, str]:
    """A unique word for each searched field that a face can write, by column."""
    columns = [one for one in (*SEARCHED_TEXTS, *SEARCHED_DOCUMENTS) if one in face.by_column()]
    return {column: f"word{next(NUMBERS):04d}x" for column in columns}


def body_of(face: Face, words: Mapping[str, str]) -> dict[str, Any]:
    fields = face.by_column()
    shapes = GRAPHQL_SHAPES if face is GRAPHQL_CUSTOMER else SHAPES
    return {fields[column].name: shapes.get(column, str)(word) for column, word in words.items()}


async def hits(service: Service, word: str) -> int:
    answer = await service.http.get("/customers", params={"search": word})
    assert answer.status_code == 200
    return int(answer.json()["pagination"]["total"])


async def send(service: Service, method: str, path: str, body: Any = None) -> Any:
    answer = await service.http.request(method, path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def mutate(service: Service, name: str, **arguments: Any) -> str:
    """The id, without prefix, of the record that a mutation returns."""
    type_name = "Customer" if name.endswith("Customer") else "Client"
    kinds = {"input": f"{name[0].upper()}{name[1:]}Input!", "id": "ID!"}
    declared = ", ".join(f"${one}: {kinds[one]}" for one in arguments)
    given = ", ".join(f"{one}: ${one}" for one in arguments)
    shown = f"{type_name.lower()} {{ {type_name.lower()}Id }} userErrors {{ message }}"
    query = f"mutation({declared}) {{ {name}({given}) {{ {shown} }} }}"
    payload = (await send(service, "POST", "/graphql", {"query": query, "variables": arguments}))["data"][name]
    assert payload["userErrors"] == []
    return str(payload[type_name.lower()][f"{type_name.lower()}Id"])


async def writes(service: Service) -> AsyncIterator[tuple[Face, Any]]:
    """Each way to create and then change a record: the face, and a function that writes a body to an id or to no id."""
    home = f"/v1/organizations/{service.organization}/clients"

    async def v1(record: str | None, body: Any, verb: str) -> str:
        if record is None:
            return str((await send(service, "POST", home, body))["id"])
        return str((await send(service, verb, f"/v1/clients/{record}", body))["id"])

    async def many(record: str | None, body: Any) -> str:
        return (
            str((await send(service, "POST", home, [body]))[0]["id"])
            if record is None
            else await v1(record, body, "PATCH")
        )

    async def customers(record: str | None, body: Any) -> str:
        if record is None:
            return str((await send(service, "POST", "/customers", body))["id"])
        return str((await send(service, "PATCH", f"/customers/{record}", body))["id"])

    async def graphql(record: str | None, body: Any, verb: str, type_name: str) -> str:
        if record is None:
            return await mutate(service, f"create{type_name}", input=body)
        return await mutate(service, f"{verb}{type_name}", id=record, input=body)

    yield V1, lambda record, body: v1(record, body, "PATCH")
    yield V1, lambda record, body: v1(record, body, "PUT")
    yield V1, many
    yield CUSTOMER, customers
    yield GRAPHQL_CLIENT, lambda record, body: graphql(record, body, "update", "Client")
    yield GRAPHQL_CLIENT, lambda record, body: graphql(record, body, "replace", "Client")
    yield GRAPHQL_CUSTOMER, lambda record, body: graphql(record, body, "update", "Customer")


async def test_every_api_updates_the_search_text_of_every_field(service: Service) -> None:
    covered: set[str] = set()
    async for face, write in writes(service):
        old, new = words_for(face), words_for(face)
        covered |= old.keys()
        record = await write(None, body_of(face, old))
        assert {column: await hits(service, word) for column, word in old.items()} == dict.fromkeys(old, 1)
        await write(record, body_of(face, new))
        assert {column: await hits(service, word) for column, word in old.items()} == dict.fromkeys(old, 0)
        assert {column: await hits(service, word) for column, word in new.items()} == dict.fromkeys(new, 1)
    assert covered == {*SEARCHED_TEXTS, *SEARCHED_DOCUMENTS}


async def test_merged_and_emptied_metadata_is_found_by_its_new_value(service: Service) -> None:
    body = {"name": "Ann", "metadata": {"stays": "remaining", "goes": "leaving", "changes": "before"}}
    path = f"/customers/{(await send(service, 'POST', '/customers', body))['id']}"
    await send(service, "PATCH", path, {"metadata": {"goes": None, "changes": "afterwards"}})
    found = {word: await hits(service, word) for word in ("remaining", "leaving", "before", "afterwards")}
    assert found == {"remaining": 1, "leaving": 0, "before": 0, "afterwards": 1}
    await send(service, "PATCH", path, {"metadata": None})
    assert await hits(service, "remaining") == 0


async def test_deleted_record_is_not_found_and_a_restored_one_is(service: Service) -> None:
    path = f"/customers/{(await send(service, 'POST', '/customers', {'name': 'Returning'}))['id']}"
    await send(service, "DELETE", path)
    assert await hits(service, "returning") == 0
    await send(service, "POST", f"{path}/restore")
    assert await hits(service, "returning") == 1
    await send(service, "DELETE", f"{path}/permanent")
    assert await hits(service, "returning") == 0
