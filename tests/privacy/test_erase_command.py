"""The command `erase` erases a client by the id of either face, after a question or with --yes."""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text

from tests.conftest import Service
from tests.privacy.conftest import find_everywhere, wait_until_sent
from tests.privacy.test_erasure import EMAIL, NAME, WORDS, create, remind
from tests.test_cli import assert_error, command_runner

Result = tuple[str, str, int]
Erase = Callable[..., Awaitable[Result]]
DONE = ("", "The client is erased.\n", 0)


@pytest.fixture
def erase(service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Erase:
    """Runs `clientele erase` on the database and the data directory of the service."""
    run = command_runner(service.config.database_url or "", monkeypatch, capsys)
    monkeypatch.setenv("CLIENTELE_DATA_DIR", str(service.config.data_dir))

    async def run_erase(*arguments: str) -> Result:
        return await asyncio.to_thread(run, "erase", *arguments)

    return run_erase


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def exists(service: Service, customer: str) -> bool:
    async with service.database.read() as connection:
        query = text("SELECT count(*) = 1 FROM clients WHERE id = :id")
        return bool(await connection.scalar(query, {"id": customer.removeprefix("cust_")}))


@pytest.mark.parametrize("prefix", ["cust_", ""])
@pytest.mark.parametrize("deleted", [False, True])
async def test_everything_about_a_customer_is_erased(
    service: Service, erase: Erase, prefix: str, deleted: bool
) -> None:
    headers = {"idempotency-key": "key"}
    body = {"name": NAME, "email": EMAIL}
    person = (await service.http.post("/customers", json=body, headers=headers)).json()["id"]
    other = await create(service, name="Hamlet")
    await remind(service, person)
    await wait_until_sent(service, 1)
    if deleted:
        await service.http.delete(f"/customers/{person}")
    assert set(await find_everywhere(service, WORDS)) >= {"clients", "client_changes", "outbox", "body"}
    assert await erase(prefix + person.removeprefix("cust_"), "--yes") == DONE
    assert await find_everywhere(service, WORDS) == []
    assert await exists(service, other)
    async with service.database.read() as connection:
        actors = await connection.scalars(text("SELECT actor FROM client_changes WHERE action = 'erased'"))
    assert actors == ["operator"]


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
async def test_a_terminal_is_asked_first(
    service: Service, erase: Erase, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    person = await create(service, name="Ofelija \x1b[2J")
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    _, err, code = await erase(person)
    assert code == status
    assert err.startswith(f"Erase 'Ofelija \\x1b[2J' ({person.removeprefix('cust_')}) of 'Studio Example' (")
    assert await exists(service, person) is (status == 1)


async def test_without_a_terminal_nothing_is_erased_without_yes(
    service: Service, erase: Erase, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await create(service, name=NAME)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert_error(await erase(person), "Add --yes to erase without a question")
    assert await exists(service, person)


async def test_an_id_in_two_organizations_needs_the_organization(service: Service, erase: Erase) -> None:
    person = await create(service, name=NAME)
    other = await service.make_organization("Other")
    async with service.database.write() as connection:
        copy = "INSERT INTO clients (organization_id, id, name) VALUES (:other, :id, 'Copy')"
        await connection.execute(text(copy), {"other": other, "id": person.removeprefix("cust_")})
    assert_error(await erase(person, "--yes"), f"Add --organization with one of {service.organization}, {other}.")
    assert_error(await erase(person, "--yes", "--organization", "0" * 24), "There is no client with the id")
    assert await erase(person, "--yes", "--organization", other) == DONE
    assert await exists(service, person)


@pytest.mark.parametrize("id_", ["cust_", "cust_cust_" + "0" * 24, "0" * 23, "nobody@example.com", "A" * 24])
async def test_a_text_that_is_not_an_id_is_an_error(erase: Erase, id_: str) -> None:
    assert_error(await erase(id_, "--yes"), "is not an id. Pass 24 lower-case hex digits, with or without cust_.")


async def test_a_client_that_does_not_exist_is_an_error(service: Service, erase: Erase) -> None:
    assert_error(await erase("0" * 24, "--yes"), f"There is no client with the id {'0' * 24}")
    person = await create(service, name=NAME)
    assert await erase(person, "--yes") == DONE
    assert_error(await erase(person, "--yes"), "There is no client with the id")
