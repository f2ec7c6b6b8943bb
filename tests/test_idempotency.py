"""Idempotency keys: the work is done once, the first response is repeated, and rolled-back work leaves no key."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import func, select, text

from app.auth import Access, Environment, Principal
from app.clients.faces import V1
from app.clients.service import add_clients
from app.config import Config
from app.errors import Conflict, Invalid, Malformed
from app.idempotency import RequestKey, StoredResponse, claim, remember
from app.mail.files import NO_FILES
from app.main import create_app
from app.privacy import worker
from app.privacy.policy import Retention
from app.privacy.worker import RetentionWorker
from app.storage.database import Database
from app.storage.tables import client_changes, clients, idempotency_keys
from tests.conftest import Service
from tests.seeding import make_organization, principal

SELECTION = (("id", V1.fields["id"]), ("name", V1.fields["name"]))


def key_of(body: str = "body", *, owner: str = "owner", key: str = "key") -> RequestKey:
    return RequestKey.of(owner, key, "POST", "/clients", body)


def answer(found: Any) -> StoredResponse:
    return StoredResponse(201, found[0].json.encode())


@pytest.fixture
async def organization(database: Database) -> str:
    return await make_organization(database)


async def create(database: Database, who: Principal, key: RequestKey | None, name: str = "Ann") -> StoredResponse:
    return await add_clients(
        Access(database, who), who.organizations[0], [{"name": name}], SELECTION, key=key, answer=answer
    )


async def counted(database: Database) -> tuple[int, int, int]:
    async with database.read() as connection:
        tables = (clients, client_changes, idempotency_keys)
        first, second, third = [await connection.scalar(select(func.count()).select_from(table)) for table in tables]
    return first, second, third


async def test_fifty_requests_at_once_do_the_work_once(database: Database, organization: str) -> None:
    who = principal(organization)
    answers = await asyncio.gather(*(create(database, who, key_of()) for _ in range(50)))
    assert len(set(answers)) == 1
    assert answers[0].status == 201
    assert orjson.loads(answers[0].body)["name"] == "Ann"
    assert await counted(database) == (1, 1, 1)
    assert await create(database, who, key_of()) == answers[0]


async def test_response_is_the_first_one_after_later_changes(database: Database, organization: str) -> None:
    who = principal(organization)
    first = await create(database, who, key_of())
    async with database.write() as connection:
        await connection.execute(text("UPDATE clients SET name = 'Changed', deleted_at = now()"))
    assert await create(database, who, key_of(), "Other") == first


async def test_key_of_another_request_is_a_conflict(database: Database, organization: str) -> None:
    who = principal(organization)
    await create(database, who, key_of())
    with pytest.raises(Conflict):
        await create(database, who, key_of("another body"))
    assert await counted(database) == (1, 1, 1)


async def test_different_requests_at_once_share_no_key(database: Database, organization: str) -> None:
    who = principal(organization)
    done = await asyncio.gather(*(create(database, who, key_of(str(n % 2))) for n in range(20)), return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in done) == 10
    assert len({one for one in done if isinstance(one, StoredResponse)}) == 1
    assert await counted(database) == (1, 1, 1)


async def test_keys_belong_to_their_owner(database: Database, organization: str) -> None:
    who = principal(organization)
    answers = {await create(database, who, key_of(owner=owner)) for owner in ("one", "two", "")}
    answers |= {await create(database, who, key_of(key=key)) for key in ("a", "A", "á")}
    assert len(answers) == 6
    assert await counted(database) == (6, 6, 6)


async def test_without_a_key_each_request_does_its_work(database: Database, organization: str) -> None:
    who = principal(organization)
    assert len({await create(database, who, None) for _ in range(3)}) == 3
    assert await counted(database) == (3, 3, 0)


class GaveUp(Exception):
    pass


async def test_rolled_back_work_leaves_no_key(database: Database, organization: str) -> None:
    def fail(_: Any) -> StoredResponse:
        raise GaveUp

    who = principal(organization)
    with pytest.raises(GaveUp):
        await add_clients(Access(database, who), organization, [{"name": "A"}], SELECTION, key=key_of(), answer=fail)
    assert await counted(database) == (0, 0, 0)
    await create(database, who, key_of("another body"))
    assert await counted(database) == (1, 1, 1)


async def test_second_request_does_the_work_when_the_first_is_rolled_back(
    database: Database, organization: str
) -> None:
    who = principal(organization)
    held, release = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with database.write() as connection:
            assert await claim(connection, key_of()) is None
            held.set()
            await release.wait()
            raise GaveUp

    undone = asyncio.create_task(first())
    await held.wait()
    second = asyncio.create_task(create(database, who, key_of()))
    await wait_for_lock(database)
    assert not second.done()
    release.set()
    with pytest.raises(GaveUp):
        await undone
    assert (await second).status == 201
    assert await counted(database) == (1, 1, 1)


async def wait_for_lock(database: Database) -> None:
    """Waits until a statement waits for another transaction."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20), database.read() as connection:
        while not await connection.scalar(text(blocked)):
            await connection.scalar(text("SELECT pg_sleep(0.01)"))


async def test_old_keys_are_deleted_and_new_ones_kept(database: Database, organization: str) -> None:
    async with database.write() as connection:
        for key in ("old", "young"):
            assert await claim(connection, key_of(key=key)) is None
            await remember(connection, key_of(key=key), StoredResponse(200, b"{}"), organization)
    aged = "UPDATE idempotency_keys SET created_at = now() - :age * interval '1 hour' WHERE id = :id"
    async with database.write() as connection:
        for key, age in (("old", 49), ("young", 25)):
            await connection.execute(text(aged), {"age": age, "id": key})
    await RetentionWorker(database, NO_FILES, Retention.of(Config())).clean()
    async with database.write() as connection:
        assert await claim(connection, key_of(key="old")) is None
        assert await claim(connection, key_of(key="young")) == StoredResponse(200, b"{}")


@pytest.mark.parametrize("text", ["", "x" * 256, "a\x00", "a\nb", "\ud800", "a\u2028b"])
def test_key_with_unprintable_characters_is_rejected(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        RequestKey.of("owner", text, "body")
    assert refused.value.field == "Idempotency-Key"


@pytest.mark.parametrize("text", ["x", "x" * 255, "a b", "é😀", "'; DROP TABLE clients; --", "%s"])
async def test_any_printable_key_is_accepted(database: Database, organization: str, text: str) -> None:
    who = principal(organization)
    first = await create(database, who, key_of(key=text))
    assert await create(database, who, key_of(key=text)) == first


def test_parts_of_a_request_do_not_run_together() -> None:
    hashes = {
        RequestKey.of("o", "k", *parts).request_hash for parts in [("ab", "c"), ("a", "bc"), ("abc",), ("", "abc")]
    }
    assert len(hashes) == 4


async def test_invalid_body_uses_no_key(database: Database, organization: str) -> None:
    def refuse(_: Any) -> StoredResponse:
        raise Invalid([])

    with pytest.raises(Invalid):
        await add_clients(
            Access(database, principal(organization)),
            organization,
            [{"name": "A"}],
            SELECTION,
            key=key_of(),
            answer=refuse,
        )
    assert await counted(database) == (0, 0, 0)


async def test_old_keys_are_deleted_by_the_service(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key can be used again three days after the first response, but not one day after it."""
    async with service.database.write() as connection:
        for key, age in (("old", "3 days"), ("new", "25 hours")):
            values = "('a', :id, '', now() - CAST(CAST(:age AS text) AS interval))"
            insertion = text(f"INSERT INTO idempotency_keys (owner, id, request_hash, created_at) VALUES {values}")
            await connection.execute(insertion, {"id": key, "age": age})
    monkeypatch.setattr(worker, "START", 0)
    app = create_app(service.config, service.database)
    async with app.router.lifespan_context(app), asyncio.timeout(20):
        while await keys(service) != ["new"]:  # noqa: ASYNC110 - another task changes the database
            await asyncio.sleep(0.01)


async def keys(service: Service) -> list[str]:
    async with service.database.read() as connection:
        return await connection.scalars(text("SELECT id FROM idempotency_keys ORDER BY id"))


CANONICAL = [
    [{"a": 1, "b": [1, 2]}, {"b": [1.0, 2e0], "a": 1.0}],
    [{"n": 10**18}, {"n": 1e18}],
    [0, -0.0],
    [0.1, 1e-1],
]
DIFFERENT = [
    [1, "1", True, None, [1], {"1": 1}],
    [[1, 2], [2, 1], [[1], 2], [1, 2, None]],
    ["\u00e9", "e\u0301", "E\u0301", "\\u00e9", "\ud800", "?"],
    [0, False, "", [], {}, {"": 0}],
    [2**53, 2**53 + 1, float(2**60), 2**60 + 1],
    [0.1 + 0.2, 0.3],
]


@pytest.mark.parametrize("values", CANONICAL)
def test_equal_json_values_are_one_request(values: list[Any]) -> None:
    assert len({RequestKey.of("owner", "key", value) for value in values}) == 1


@pytest.mark.parametrize("values", DIFFERENT)
def test_different_json_values_are_different_requests(values: list[Any]) -> None:
    assert len({RequestKey.of("owner", "key", value) for value in values}) == len(values)


JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SENT = b'{"name": "\xc5\xbd", "zip": "1000", "%b": {"a": 1, "b": [0.5, 2]}}'
SAME = [
    (SENT, JSON),
    (b' {\n"%b":{"b":[5e-1,2.0],"a":1.0},"zip":"1000","name":"\\u017d"}\t', JSON),
    (b'{"name": "other", "zip": "1000", "name": "\xc5\xbd", "%b": {"a": 1, "b": [0.5, 2]}}', f"{JSON}; charset=utf-8"),
    (b'\xef\xbb\xbf{"z\\u0069p": "1000", "%b": {"b": [0.50, 20e-1], "a": 10e-1}, "name": "\\u017D"}', JSON),
]
OTHER = [
    b'{"name": "\xc5\xbd", "zip": "1000", "%b": {"a": 1, "b": [2, 0.5]}}',
    b'{"name": "\xc5\xbd", "zip": "1000", "%b": {"a": "1", "b": [0.5, 2]}}',
    b'{"name": "\xc5\xbd", "zip": "1000", "%b": {"a": true, "b": [0.5, 2]}}',
    b'{"name": "Z\xcc\x8c", "zip": "1000", "%b": {"a": 1, "b": [0.5, 2]}}',
    b'{"name": "\xc5\xbe", "zip": "1000", "%b": {"a": 1, "b": [0.5, 2]}}',
    b'{"name": "\xc5\xbd", "zip": "1000"}',
]


SAME_CUSTOMER = [
    '{"name": "Ž", "metadata": {"a": "1", "b": "2"}, "is_end_consumer": true}',
    '\n{"is_end_consumer":true,"metadata":{"b":"2","a":"\\u0031"},"n\\u0061me":"\\u017d"} ',
    '{"metadata": {}, "name": "Ž", "is_end_consumer": true, "metadata": {"b": "2", "a": "1"}}',
]
OTHER_CUSTOMER = [
    '{"name": "Ž", "metadata": {"a": "2", "b": "1"}, "is_end_consumer": true}',
    '{"name": "Z\u030c", "metadata": {"a": "1", "b": "2"}, "is_end_consumer": true}',
    '{"name": "Ž", "metadata": {"a": "1", "b": "2"}}',
]


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Request-Id"])
async def test_customers_replays_the_same_values_in_another_spelling(service: Service, header: str) -> None:
    async def post(body: str) -> httpx.Response:
        headers = {"Content-Type": JSON, header: "key"}
        return await service.http.post("/customers", content=body, headers=headers)

    answers = [await post(body) for body in SAME_CUSTOMER]
    assert {answer.status_code for answer in answers} == {201}, answers[0].text
    assert len({answer.content for answer in answers}) == 1
    for body in OTHER_CUSTOMER:
        assert (await post(body)).status_code == 409


async def test_v1_replays_the_same_values_in_another_spelling(service: Service) -> None:
    path = f"/v1/organizations/{service.organization}/clients"

    async def post(body: bytes, kind: str = JSON) -> httpx.Response:
        headers = {"Content-Type": kind, "Idempotency-Key": "key"}
        return await service.http.post(path, content=body.replace(b"%b", b"custom"), headers=headers)

    answers = [await post(body, kind) for body, kind in SAME]
    assert {answer.status_code for answer in answers} == {200}, answers[0].text
    assert len({answer.content for answer in answers}) == 1
    for body in [*OTHER, b"[" + SENT + b"]"]:
        assert (await post(body)).status_code == 409


async def test_v1_replays_a_form_with_the_values_of_a_json_body(service: Service) -> None:
    path = f"/v1/organizations/{service.organization}/clients"

    async def post(body: bytes, kind: str) -> httpx.Response:
        return await service.http.post(path, content=body, headers={"Content-Type": kind, "Idempotency-Key": "key"})

    first = await post(b'{"name": "A b", "custom": {"a": "x"}, "zip": 1000}', JSON)
    assert (await post(b"custom[a]=x&zip=1000&name=A+b", FORM)).content == first.content
    assert (await post(b"zip=%31000&name=A%20b&custom%5Ba%5D=x", FORM)).content == first.content
    assert (await post(b"custom[a]=y&zip=1000&name=A+b", FORM)).status_code == 409


async def test_graphql_replays_the_same_values_in_another_spelling(service: Service) -> None:
    head = 'mutation ($c: JSON!) { createClient(input: {%s}, idempotencyKey: "key") { client { id } userErrors { code } } }'

    async def post(fields: str, custom: str) -> Any:
        content = f'{{"query": {orjson.dumps(head % fields).decode()}, "variables": {{"c": {custom}}}}}'
        answer = await service.http.post("/graphql", content=content, headers={"Content-Type": JSON})
        return answer.json()["data"]["createClient"]

    first = await post('name: "A", custom: $c', '{"a": 1, "b": 2.5}')
    assert first["client"]
    assert await post('custom: $c, name: "\\u0041"', '{ "b": 25e-1, "a": 1.0 }') == first
    other = await post('name: "A", custom: $c', '{"a": 1, "b": 2.6}')
    assert other["userErrors"] == [{"code": "IDEMPOTENCY_KEY_REUSED"}]


async def test_a_reminder_is_replayed_wherever_its_arguments_stand(service: Service) -> None:
    made = await service.http.post(f"/v1/organizations/{service.organization}/clients", json={"name": "A"})
    path, headers = f"/v1/clients/{made.json()['id']}/send-reminder", {"Idempotency-Key": "key"}
    arguments = {"email": "a@b.example", "l": "de"}
    for sent in ({"json": arguments}, {"params": arguments}, {"json": {"l": "de"}, "params": {"email": "a@b.example"}}):
        assert (await service.http.post(path, headers=headers, **sent)).status_code == 200  # type: ignore[arg-type]
    async with service.database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM outbox")) == 1
    assert (await service.http.post(path, headers=headers, json={**arguments, "l": "en"})).status_code == 409


async def test_live_and_sandbox_tokens_of_an_account_do_not_share_keys(service: Service) -> None:
    sandbox = await service.make_organization("Sandbox", account_email=service.email, environment=Environment.SANDBOX)
    token = await service.make_token(account_email=service.email, environment=Environment.SANDBOX)
    for environment_token, organization in ((service.token, service.organization), (token, sandbox)):
        async with service.client(environment_token) as http:
            path = f"/v1/organizations/{organization}/clients"
            answers = [await http.post(path, json={"name": "A"}, headers={"Idempotency-Key": "key"}) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [200, 200]
            assert answers[0].json()["organizationId"] == organization
            assert answers[0].content == answers[1].content
